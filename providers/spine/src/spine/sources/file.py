"""A file below the file root as a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from spine.core.errors import SpineError
from spine.sources.base import SourceBatch
from spine.sources.formats import AUTO, FIXED_DELIMITERS, Compression, choose_compression, choose_format
from spine.sources.options import MIB, ReadOptions, split_path
from spine.sources.paths import open_regular, resolve_inside
from spine.sources.readers import Rows, open_rows
from spine.sources.streams import ByteStream, GunzippedBytes, StoredBytes


class FileSource:
    """One file of rows.

    :param path: relative to ``root``, or absolute inside it.
    :param root: nothing outside this folder is read.
    :param format: ``auto`` (by extension), psv, csv, tsv, json, jsonl or parquet.
    :param columns: names for a file without a header line; for JSON the keys to expect.
    :param data_path: dotted keys that lead to the rows of a JSON object, such as ``results``.

    The other options are those of ReadOptions.
    """

    source_type = "file"

    def __init__(
        self,
        path: str | Path,
        *,
        root: Path,
        format: str = AUTO,
        compression: str = AUTO,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        quote_char: str | None = AUTO,
        columns: Sequence[str] | None = None,
        keys: Sequence[str] | None = None,
        data_path: str = "",
        max_line_bytes: int = MIB,
        block_bytes: int = 2 * MIB,
    ) -> None:
        self.name = str(path)
        self._root = root
        self._format = choose_format(format, self.name)
        self._compression = choose_compression(compression, self.name)
        self._options = ReadOptions(
            encoding=encoding,
            delimiter=delimiter or FIXED_DELIMITERS.get(self._format),
            quote_char=quote_char,
            columns=None if columns is None else tuple(columns),
            keys=None if keys is None else tuple(keys),
            data_path=split_path(data_path),
            max_line_bytes=max_line_bytes,
            block_bytes=block_bytes,
        )

    def read(self) -> FileReading:
        """Open the file and read as far as the column names.

        :raises SourceError: there is no such file, or it is not what it should be.
        :raises PermissionDenied: it is outside the root, or may not be read.
        """
        path = resolve_inside(self.name, self._root)
        raw = open_regular(path, self.name, self._root)
        try:
            stored = StoredBytes(raw, self.name)
            return FileReading(raw, stored, self._open_rows(raw, stored), self.name)
        except BaseException as error:
            raw.close()
            if isinstance(error, SpineError):
                error.with_context(path=str(path))
            raise

    def _open_rows(self, raw: BinaryIO, stored: StoredBytes) -> Rows:
        stream: ByteStream = GunzippedBytes(stored, self.name) if self._compression is Compression.GZIP else stored
        seekable = raw if stream is stored else None
        return open_rows(self._format, stream, self.name, self._options, seekable=seekable)


class FileReading:
    """One pass over a file; closes it when the pass has ended, or on ``close``."""

    def __init__(self, raw: BinaryIO, stored: StoredBytes, rows: Rows, name: str) -> None:
        self.columns = rows.columns
        self.lines = 0
        self.bytes_read = 0
        self.sha256 = ""
        self._raw = raw
        self._stored = stored
        self._rows = rows
        self._name = name
        self._begun = False

    def __iter__(self) -> Iterator[SourceBatch]:
        if self._begun:
            raise SpineError(f"'{self._name}' is being read a second time by one reading; call read() again")
        self._begun = True
        return self._batches()

    def _batches(self) -> Iterator[SourceBatch]:
        try:
            for batch in self._rows:
                self.lines += batch.rows.num_rows + len(batch.rejects)
                self.bytes_read = self._stored.bytes_read
                yield batch
            self.sha256 = self._stored.drain()
            self.bytes_read = self._stored.bytes_read
        except SpineError as error:
            error.with_context(path=self._name)
            raise
        finally:
            self.close()

    def close(self) -> None:
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        # Whoever looks at the columns and walks away has not promised to close anything.
        self.close()
