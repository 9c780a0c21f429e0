"""Parquet into rows of text, each value written out exactly. Line numbers are row numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO
from weakref import finalize

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spine.core.errors import SourceError
from spine.sources.base import RejectedLine, SourceBatch
from spine.sources.batches import MAX_ROWS, Fault, numbered
from spine.sources.columns import checked_names
from spine.sources.options import ReadOptions
from spine.sources.streams import ByteStream

READ_BUFFER = 1024 * 1024


class ParquetRows:
    """
    :param seekable: the stored file itself; without one (gzip) the stream is spooled to a temporary file first.
    """

    def __init__(self, stream: ByteStream, name: str, options: ReadOptions, *, seekable: BinaryIO | None) -> None:
        self._name = name
        self._file: IO[bytes] = seekable or _spooled(stream, options.block_bytes)
        if seekable is None:
            finalize(self, self._file.close)
        with self._readable():
            # Without pre_buffer and with a buffer size, column chunks are read in pieces and not whole.
            self._parquet = pq.ParquetFile(
                self._file, pre_buffer=False, buffer_size=READ_BUFFER, page_checksum_verification=True
            )
        self.columns = checked_names(self._parquet.schema_arrow.names, name)

    def __iter__(self) -> Iterator[SourceBatch]:
        next_number = 1
        with self._readable():
            for batch in self._parquet.iter_batches(batch_size=MAX_ROWS):
                yield self._text(batch, next_number)
                next_number += batch.num_rows
        self._file.seek(0)  # the stored bytes are hashed from the start

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise SourceError(
                f"'{self._name}' is not readable as Parquet: {str(error).splitlines()[0]} Fetch it again, or set format"
            ) from error

    def _text(self, batch: pa.RecordBatch, first_number: int) -> SourceBatch:
        columns = [column_text(values) for values in batch.columns]
        numbers = np.arange(first_number, first_number + batch.num_rows, dtype=np.int64)
        rows = numbered(pa.record_batch(columns, names=list(self.columns)), numbers)
        with_nul = _rows_with_nul(columns, batch.num_rows)
        if not with_nul.any():
            return SourceBatch(rows)
        rejects = [_nul_reject(rows.slice(int(index), 1)) for index in np.flatnonzero(with_nul)]
        return SourceBatch(rows.filter(pa.array(~with_nul)), rejects)


def column_text(values: pa.Array) -> pa.Array:
    """Each value as text: exact decimals and floats, ISO 8601 dates and times, JSON for nested values, '' for null."""
    kind = values.type
    if pa.types.is_nested(kind):
        text = pa.array([_json(value) for value in values.to_pylist()], pa.string())
    elif pa.types.is_decimal(kind):
        # Arrow writes small decimals with an exponent.
        text = pa.array([None if value is None else f"{value:f}" for value in values.to_pylist()], pa.string())
    else:
        text = pc.cast(values, pa.string())
    if pa.types.is_timestamp(kind):
        text = pc.replace_substring(text, " ", "T", max_replacements=1)
    return pc.fill_null(text, "")


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _spooled(stream: ByteStream, chunk_bytes: int) -> IO[bytes]:
    spooled = SpooledTemporaryFile(max_size=8 * READ_BUFFER)  # noqa: SIM115  (lives as long as the rows)
    try:
        while chunk := stream.read(chunk_bytes):
            spooled.write(chunk)
    except BaseException:
        spooled.close()
        raise
    spooled.seek(0)
    return spooled


def _rows_with_nul(columns: list[pa.Array], count: int) -> np.ndarray:
    found = np.zeros(count, dtype=bool)
    for column in columns:
        found |= pc.match_substring(column, "\0").to_numpy(zero_copy_only=False)
    return found


def _nul_reject(row: pa.RecordBatch) -> RejectedLine:
    *values, number = row.to_pylist()[0].values()
    raw = "|".join(values).encode()
    return Fault("NUL_BYTE", "a value holds a NUL character, which is no text in a database").rejects(number, raw)
