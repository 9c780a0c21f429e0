"""Rows of IBM's driver: fetched in pieces, with exact decimals and instants that know they are in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from spine.storage.base import QueryResult
from spine.storage.db2_columns import Column

if TYPE_CHECKING:
    import pyarrow as pa

# The driver makes room for as many rows as it is asked for, each as wide as its columns may be: a thousand rows with a
# CLOB(1M) are a gigabyte, for one row that is there as well.
_ROOM = 4 << 20
_MOST_ROWS = 10_000

Rows = list[tuple[Any, ...]]


def columns_of(cursor: Any) -> list[Column]:
    """The columns of a cursor's result."""
    return [Column.described(description) for description in cursor.description or ()]


def pieces(cursor: Any, columns: list[Column], most: int = _MOST_ROWS) -> Iterator[Rows]:
    """A result's rows, at most so many at once; no piece is empty."""
    width = sum(column.width for column in columns)
    size = max(1, min(most, _MOST_ROWS, _ROOM // max(1, width)))
    while rows := cursor.fetchmany(size):
        yield list(plain_rows(columns, rows))


def query_result(cursor: Any) -> QueryResult:
    columns = columns_of(cursor)
    rows = chain.from_iterable(pieces(cursor, columns)) if columns else ()
    return QueryResult(tuple(column.name for column in columns), list(rows))


def arrow_batches(cursor: Any, most: int = _MOST_ROWS) -> Iterator[pa.RecordBatch]:
    """A result as Arrow: at least one batch, empty or not, of at most so many rows."""
    columns = columns_of(cursor)
    found = False
    for rows in pieces(cursor, columns, most):
        found = True
        yield _arrow_batch(columns, rows)
    if not found:
        yield _arrow_batch(columns, [])


def plain_rows(columns: list[Column], rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Rows of the driver in values of ours."""
    changes = [(number, column.read) for number, column in enumerate(columns) if column.read is not None]
    for row in rows:
        values = list(row)
        for number, read in changes:
            if values[number] is not None:
                values[number] = read(values[number])
        yield tuple(values)


def _arrow_batch(columns: list[Column], rows: Rows) -> pa.RecordBatch:
    import pyarrow as pa

    schema = pa.schema([pa.field(column.name, column.arrow) for column in columns])
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(column, kind) for column, kind in zip(values, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
