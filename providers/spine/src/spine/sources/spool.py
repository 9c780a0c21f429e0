"""A reading taken in whole, on disk, before anybody uses it.

For sources across a network: a pull that breaks half-way costs nothing but time, and no database transaction stays open
while a server far away makes up its mind. Memory holds one batch.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from spine.sources.base import RejectedLine, SourceBatch, SourceReading

if TYPE_CHECKING:
    import pyarrow as pa


class SpooledReading:
    """The same batches as another reading, read to its end by the constructor.

    :raises SpineError: whatever the other reading raises.
    """

    def __init__(self, reading: SourceReading) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="spine-spool-")  # noqa: SIM115 - lives as long as this object
        self._rejects: list[list[RejectedLine]] = []
        try:
            self._write(reading)
        except BaseException:
            self.close()
            raise
        self.columns = reading.columns
        self.lines = reading.lines
        self.bytes_read = reading.bytes_read
        self.sha256 = reading.sha256

    def _write(self, reading: SourceReading) -> None:
        import pyarrow as pa

        writer: pa.RecordBatchStreamWriter | None = None
        for batch in reading:
            writer = writer or pa.ipc.new_stream(self._file, batch.rows.schema)
            writer.write_batch(batch.rows)
            self._rejects.append(batch.rejects)
        if writer is not None:
            writer.close()

    def __iter__(self) -> Iterator[SourceBatch]:
        import pyarrow as pa

        if self._rejects:
            self._file.seek(0)
            for rows, rejects in zip(pa.ipc.open_stream(self._file), self._rejects, strict=True):
                yield SourceBatch(rows, rejects)
        self.close()

    def close(self) -> None:
        self._file.close()
