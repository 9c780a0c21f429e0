"""Rows set aside until all of them are there: in memory while few, then in a temporary file.

For sources across a network: a pull that breaks half-way costs nothing but time, and no database transaction stays open
while a server far away makes up its mind.
"""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from spine.sources.base import RejectedLine, SourceBatch, SourceReading

if TYPE_CHECKING:
    import pyarrow as pa

IN_MEMORY = 32 * 1024 * 1024


class BatchSpool:
    """Arrow batches of one schema. First they are all added, then they may be read as often as needed, until closed.

    :param in_memory: bytes kept out of the temporary file.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._file = SpooledTemporaryFile(max_size=in_memory, prefix="spine-spool-")  # noqa: SIM115 - closed by close()
        self._writer: Any = None
        self._filled = False

    def add(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        if self._writer is None:
            self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, mode="w"), batch.schema)
        self._writer.write_batch(batch)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        if self._writer is None:
            return
        if not self._filled:
            self._writer.close()  # writes the end, and would do so again wherever the file is read just now
            self._filled = True
        self._file.seek(0)
        yield from pa.ipc.open_stream(pa.PythonFile(self._file, mode="r"))

    def close(self) -> None:
        self._file.close()


class SpooledReading:
    """The same batches as another reading, read to its end by the constructor.

    :raises SpineError: whatever the other reading raises.
    """

    def __init__(self, reading: SourceReading) -> None:
        self._spool = BatchSpool()
        self._rejects: list[list[RejectedLine]] = []
        try:
            for batch in reading:
                self._spool.add(batch.rows)
                self._rejects.append(batch.rejects)
        except BaseException:
            self.close()
            raise
        self.columns = reading.columns
        self.lines = reading.lines
        self.bytes_read = reading.bytes_read
        self.sha256 = reading.sha256

    def __iter__(self) -> Iterator[SourceBatch]:
        for rows, rejects in zip(self._spool, self._rejects, strict=True):
            yield SourceBatch(rows, rejects)
        self.close()

    def close(self) -> None:
        self._spool.close()
