"""From bytes of a known format to rows. Readers are imported late: Arrow must not load where DAG files are parsed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from spine.sources.base import SourceBatch
from spine.sources.formats import Format
from spine.sources.options import ReadOptions
from spine.sources.streams import ByteStream


class Rows(Protocol):
    """What reads one format: knows its columns once built, then gives batches."""

    columns: tuple[str, ...]

    def __iter__(self) -> Iterator[SourceBatch]: ...


def open_rows(
    format: Format, stream: ByteStream, name: str, options: ReadOptions, *, seekable: BinaryIO | None = None
) -> Rows:
    """
    :param seekable: the file behind ``stream`` where it holds the same bytes: Parquet is read from its end.
    :raises SourceError: the bytes are not of that format.
    """
    match format:
        case Format.PARQUET:
            from spine.sources.parquet_rows import ParquetRows

            return ParquetRows(stream, name, options, seekable=seekable)
        case Format.JSON:
            from spine.sources.json_array import JsonArrayRows

            return JsonArrayRows(stream, name, options)
        case Format.JSONL:
            from spine.sources.json_lines import JsonLineRows

            return JsonLineRows(stream, name, options)
        case _:
            from spine.sources.delimited import DelimitedRows

            return DelimitedRows(stream, name, options)
