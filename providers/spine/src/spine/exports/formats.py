"""Parquet and CSV: batches in, bytes out, with few rows held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.exports.places import CountedFile

_ROW_GROUP = 65_536  # few enough to be held, enough for readers that skip by statistics


class Format(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"


# The first one is the default.
COMPRESSIONS = {Format.PARQUET: ("zstd", "snappy", "gzip", "lz4", "none"), Format.CSV: ("none", "gzip")}
_EXTENSIONS = {".parquet": Format.PARQUET, ".pq": Format.PARQUET, ".csv": Format.CSV}


class RowWriter(Protocol):
    def write(self, batch: pa.RecordBatch) -> None: ...


def choose_format(wanted: str | None, file_name: str) -> Format:
    """The format asked for, else the one that the name ends in (``.gz`` aside), else Parquet."""
    if wanted:
        return Format(wanted)
    return _EXTENSIONS.get(PurePath(file_name.lower().removesuffix(".gz")).suffix, Format.PARQUET)


def choose_compression(wanted: str | None, kind: Format, file_name: str) -> str:
    """:raises ConfigurationError: the format has no such compression."""
    if not wanted:
        return "gzip" if kind is Format.CSV and file_name.lower().endswith(".gz") else COMPRESSIONS[kind][0]
    if wanted not in COMPRESSIONS[kind]:
        raise ConfigurationError(f"{kind} has no compression {wanted!r}; {did_you_mean(wanted, COMPRESSIONS[kind])}")
    return wanted


@contextmanager
def writing(
    file: CountedFile, kind: Format, schema: pa.Schema, compression: str, metadata: Mapping[str, str]
) -> Iterator[RowWriter]:
    """A writer into a file, which is complete when the block ends.

    :param metadata: for the file's footer; CSV has no place for it.
    """
    make = _parquet if kind is Format.PARQUET else _csv
    with ExitStack() as stack:
        yield _Gathered(stack, make(stack, file, schema, compression, metadata))


class _Gathered:
    """Hands on batches once there are enough rows for a row group."""

    def __init__(self, stack: ExitStack, writer: Any) -> None:
        self._writer = writer
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0
        stack.push(self._end)

    def write(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._rows += batch.num_rows
        if self._rows >= _ROW_GROUP:
            self._hand_on()

    def _hand_on(self) -> None:
        import pyarrow as pa

        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches))
        self._batches, self._rows = [], 0

    def _end(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None:
            self._hand_on()


def _parquet(
    stack: ExitStack, file: CountedFile, schema: pa.Schema, compression: str, metadata: Mapping[str, str]
) -> Any:
    import pyarrow.parquet as pq

    noted = schema.with_metadata({f"spine.{name}": text for name, text in metadata.items()})
    return stack.enter_context(pq.ParquetWriter(file, noted, compression=compression))


def _csv(stack: ExitStack, file: CountedFile, schema: pa.Schema, compression: str, _: Mapping[str, str]) -> Any:
    import pyarrow as pa
    import pyarrow.csv

    sink: Any = pa.PythonFile(file, mode="w")
    if compression != "none":
        sink = stack.enter_context(pa.CompressedOutputStream(sink, compression))
    options = pa.csv.WriteOptions(quoting_style="needed")  # text is quoted and NULL is not, which tells it from ""
    return stack.enter_context(pa.csv.CSVWriter(sink, schema, write_options=options))
