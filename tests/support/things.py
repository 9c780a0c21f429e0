"""A table with a column of every type there is, and the two ways into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from spine.storage.base import Storage

COLUMNS = {
    "id": "bigint",
    "small": "integer",
    "name": "text",
    "mark": "code",
    "quantity": "decimal",
    "ratio": "double",
    "traded_on": "date",
    "seen_at": "instant",
    "extra": "json",
}
ARROW_TYPES = {
    "id": pa.int64(),
    "small": pa.int64(),
    "name": pa.string(),
    "mark": pa.string(),
    "quantity": pa.decimal128(24, 6),
    "ratio": pa.float64(),
    "traded_on": pa.date32(),
    "seen_at": pa.timestamp("us", "UTC"),
    "extra": pa.string(),
}
INSERT = f"INSERT INTO things ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{name}' for name in COLUMNS)})"
_NOTHING = dict.fromkeys(COLUMNS)


def create_things(storage: Storage, table: str = "things") -> None:
    kinds = storage.dialect.types
    columns = ", ".join(f"{name} {kinds[kind]}" for name, kind in COLUMNS.items() if name != "id")
    storage.execute(f"CREATE TABLE {table} (id {kinds['bigint']} NOT NULL PRIMARY KEY, {columns})")


def bind(storage: Storage, rows: Sequence[Mapping[str, Any]]) -> None:
    """One statement for each row."""
    with storage.transaction() as session:
        for row in rows:
            session.execute(INSERT, {**_NOTHING, **row})


def load(storage: Storage, rows: Sequence[Mapping[str, Any]]) -> None:
    """All of them in one batch, with the columns that any row has."""
    schema = pa.schema([pa.field(name, ARROW_TYPES[name]) for name in COLUMNS if any(name in row for row in rows)])
    with storage.transaction() as session:
        session.bulk_load("things", [pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema)])


WayIn = Callable[[Storage, Sequence[Mapping[str, Any]]], None]
WAYS_IN: tuple[WayIn, ...] = (bind, load)


def put(storage: Storage, **values: Any) -> dict[str, Any]:
    """A row with an id of 1 and these values, alone in the table, as it is read back."""
    storage.execute("DELETE FROM things")
    bind(storage, [{"id": 1, **values}])
    row = storage.query("SELECT * FROM things").first
    assert row is not None
    return row
