"""Rows brought to where Great Expectations' SQL runs. For databases whose driver or dialect does not run it: the rows of one
capture go, as Arrow, into an SQLite that lives in memory for one gate, and the same rules judge them there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine

    from spine.storage.base import Storage


@contextmanager
def in_memory(storage: Storage, batches: Mapping[str, str]) -> Iterator[tuple[Engine, dict[str, str]]]:
    """An engine whose tables are named as the batches, and a SELECT for each."""
    import adbc_driver_sqlite.dbapi as driver

    from spine.storage.sqlite_dialect import engine

    place = f"file:gate-{uuid.uuid4().hex}?mode=memory&cache=shared"  # there as long as one connection is
    with closing(driver.connect(place, autocommit=True)) as connection:
        for name, query in batches.items():
            with connection.cursor() as cursor:
                cursor.adbc_ingest(name, _plain(storage.read_arrow(query)), mode="create")
        with engine(lambda: driver.connect(place, autocommit=True)) as copies:
            yield copies, {name: f'SELECT * FROM "{name}"' for name in batches}


def _plain(table: pa.Table) -> pa.Table:
    """Quantities as doubles, dates and instants as text: what SQLite has."""
    import pyarrow as pa

    def kind(field: Any) -> pa.DataType:
        if pa.types.is_decimal(field.type):
            return pa.float64()
        if pa.types.is_temporal(field.type):
            return pa.string()
        return field.type

    return table.cast(pa.schema([pa.field(field.name, kind(field)) for field in table.schema]))
