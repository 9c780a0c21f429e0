"""Rows of a query: one statement that only reads, streamed as text."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError, SpineError
from spine.sources.base import RejectedLine, SourceBatch
from spine.sources.statements import reading_statement

if TYPE_CHECKING:
    from collections.abc import Generator

    from spine.sources.batches import Fault
    from spine.storage.base import Storage

FIELD_END, ROW_END = b"\x1f", b"\x1e"


class DatabaseSource:
    """The rows of one SELECT. As in every source, NULL and an empty text are the same.

    :param query: with named parameters (``:week_ending``).
    :param storage: the database; whoever gives it closes it.
    :param params: values of the named parameters.
    :param batch_size: rows held at a time.
    """

    source_type = "database"

    def __init__(
        self, query: str, *, storage: Storage, params: Mapping[str, Any] | None = None, batch_size: int = 10_000
    ) -> None:
        self._query = reading_statement(query) + "\n"  # databases put text behind it, which a comment would swallow
        self._storage = storage
        self._params = dict(params or {})
        if batch_size < 1:
            raise ConfigurationError(f"batch_size is {batch_size}; expected at least 1 row")
        self._batch_size = batch_size
        self.name = storage.describe()

    def read(self) -> DatabaseReading:
        """Ask for the column names.

        :raises SpineError: the database refuses the statement.
        """
        from spine.sources.columns import checked_names

        shape = self._storage.read_arrow(f"SELECT * FROM ({self._query}) spine_rows WHERE 1 = 0", self._params)
        columns = checked_names(shape.column_names, self.name)
        return DatabaseReading(self.name, columns, self._stream, self._batch_size)

    def _stream(self) -> Iterator[dict[str, Any]]:
        return self._storage.stream(self._query, self._params, batch_size=self._batch_size)


class DatabaseReading:
    """One pass over a result; ``line_number`` is the row's place in it, ``sha256`` that of its text."""

    def __init__(self, name: str, columns: tuple[str, ...], stream: Any, batch_size: int) -> None:
        self.columns = columns
        self.lines = 0
        self.bytes_read = 0
        self.sha256 = ""
        self._name, self._stream, self._batch_size = name, stream, batch_size
        self._digest = hashlib.sha256()
        self._begun = False

    def __iter__(self) -> Iterator[SourceBatch]:
        if self._begun:
            raise SpineError(f"'{self._name}' is being read a second time by one reading; call read() again")
        self._begun = True
        return self._batches()

    def _batches(self) -> Iterator[SourceBatch]:
        rows: Generator[dict[str, Any]] = self._stream()
        with closing(rows):  # a reader that stops early must not keep the connection
            while chunk := list(islice(rows, self._batch_size)):
                yield self._batch(chunk)
        self.sha256 = self._digest.hexdigest()

    def _batch(self, chunk: Sequence[Mapping[str, Any]]) -> SourceBatch:
        from spine.sources.batches import text_batch

        rows: list[list[str]] = []
        numbers: list[int] = []
        rejects: list[RejectedLine] = []
        for number, row in enumerate(chunk, start=self.lines + 1):
            cells = [as_text(row[column]) for column in self.columns]
            self._take_in(cells)
            if fault := _fault(cells, row.values()):
                rejects.append(fault.rejects(number, FIELD_END.decode().join(cells).encode("utf-8", "replace")))
            else:
                rows.append(cells)
                numbers.append(number)
        self.lines += len(chunk)
        return SourceBatch(text_batch(self.columns, rows, numbers), rejects)

    def _take_in(self, cells: Sequence[str]) -> None:
        content = FIELD_END.join(cell.encode("utf-8", "replace") for cell in cells) + ROW_END
        self._digest.update(content)
        self.bytes_read += len(content)


def as_text(value: Any) -> str:
    """A value as a cell: ISO dates, plain digits, JSON for what is nested."""
    match value:
        case None:
            text = ""
        case bool():
            text = "true" if value else "false"
        case Decimal():
            text = f"{value:f}"
        case dt.date():  # an instant is one too
            text = value.isoformat()
        case bytes() | memoryview():
            text = bytes(value).hex()
        case dict() | list():
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
        case _:
            text = str(value)
    return text


def _fault(cells: Sequence[str], values: Any) -> Fault | None:
    from spine.sources.batches import Fault

    if any("\0" in cell for cell in cells):
        return Fault("NUL_BYTE", "a value holds a NUL character, which is no text in a database")
    if any(isinstance(value, bytes | memoryview) for value in values):
        return Fault("BINARY_VALUE", "a value is bytes, which are no text; convert it in the query")
    return None
