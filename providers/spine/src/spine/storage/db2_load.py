"""Bulk load into Db2: by array inserts, or by a file that the database reads as an external table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from spine.core.errors import ConfigurationError, LoadError
from spine.core.suggest import did_you_mean
from spine.storage.arrow import conform
from spine.storage.db2_external import file_of, insert_statement
from spine.storage.db2_rows import columns_of
from spine.storage.sql import checked_identifier

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.storage.db2 import Db2Session
    from spine.storage.db2_columns import Column

ARRAY, EXTERNAL = "array", "external"
_CHUNK = 10_000  # rows that one array insert sends
_WIDEST = 32_672  # of a VARCHAR; what may be wider is a CLOB, which an external table holds in part only


def checked_path(name: str) -> str:
    """:raises ConfigurationError: there is no such way to load."""
    if name == "load":
        raise ConfigurationError(
            "the Db2 option bulk_path cannot be 'load': that utility commits by itself, apart from the ledger; "
            "did you mean 'external'?"
        )
    if name not in (ARRAY, EXTERNAL):
        raise ConfigurationError(f"the Db2 option bulk_path is {name!r}; {did_you_mean(name, (ARRAY, EXTERNAL))}")
    return name


def bulk_load(session: Db2Session, table: str, batches: Iterable[pa.RecordBatch], path: str) -> int:
    """Append batches of one schema; how many rows."""
    pending = iter(batches)
    first = next(pending, None)
    if first is None:
        return 0
    columns = _columns(session, checked_identifier(table), first.schema.names)
    conforming = _conforming(columns, chain([first], pending))
    if path == EXTERNAL and all(column.width <= _WIDEST for column in columns):
        return _by_file(session, table, columns, conforming)
    return _by_arrays(session, table, columns, conforming)


def _columns(session: Db2Session, table: str, names: Iterable[str]) -> list[Column]:
    wanted = ", ".join(checked_identifier(name) for name in names)
    with session.run(f"SELECT {wanted} FROM {table} WHERE 1 = 0", None) as cursor:
        return columns_of(cursor)


def _conforming(columns: list[Column], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    schema = pa.schema([pa.field(column.name, column.loaded) for column in columns])
    return (conform(batch, schema, lambda column, kind: column.cast(kind)) for batch in batches)


def _by_arrays(session: Db2Session, table: str, columns: list[Column], batches: Iterable[pa.RecordBatch]) -> int:
    names = ", ".join(column.name for column in columns)
    sql = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"
    loaded = 0
    for batch in batches:
        for start in range(0, batch.num_rows, _CHUNK):
            rows = batch.slice(start, _CHUNK)
            values = [column.to_pylist() for column in rows.columns]
            with session.cursor() as cursor:
                cursor.executemany(sql, list(zip(*values, strict=True)))
            loaded += rows.num_rows  # fewer would have been an error
    return loaded


def _by_file(session: Db2Session, table: str, columns: list[Column], batches: Iterable[pa.RecordBatch]) -> int:
    with file_of(batches) as (path, rows):
        loaded = session.execute(insert_statement(table, columns, path)) if rows else 0
    if loaded != rows:
        raise LoadError(f"{table}: {rows} rows were sent as an external table, {loaded} were inserted")
    return rows
