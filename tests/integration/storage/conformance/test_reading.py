"""Whole results, tables and streams: the same rows, and no more of them in memory than were asked for."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from spine.core.errors import SpineError
from spine.storage.base import Storage
from tests.support.peer_tasks import stream_it
from tests.support.peers import peer
from tests.support.things import COLUMNS, bind

pytestmark = pytest.mark.integration

SQL, PARAMS = "SELECT * FROM things WHERE id >= :least ORDER BY id", {"least": 3}


def test_every_way_of_reading_gives_the_same(things: Storage) -> None:
    rows = [
        {"id": n, "quantity": None if n % 5 == 0 else Decimal(n) / 8, "name": f"ü{n}", "small": n} for n in range(25)
    ]
    bind(things, rows)
    result = things.query(SQL, PARAMS)
    found = list(result)
    assert result.columns == tuple(COLUMNS)
    assert [row["id"] for row in found] == list(range(3, 25)) and len(result) == 22
    for batch_size in (1, 7, 22, 1000):
        assert list(things.stream(SQL, PARAMS, batch_size=batch_size)) == found
    with things.transaction() as session:
        assert list(session.query(SQL, PARAMS)) == found
        of_session = session.read_arrow(SQL, PARAMS)
    tables = [of_session, things.read_arrow(SQL, PARAMS)]
    for table in tables:
        assert table.column_names == list(COLUMNS)
        assert table.select(["id", "small", "name"]).to_pylist() == [
            {"id": row["id"], "small": row["small"], "name": row["name"]} for row in found
        ]


def test_an_empty_result_has_its_columns(things: Storage) -> None:
    result = things.query("SELECT id, name FROM things")
    assert (result.columns, result.rows, result.first, result.scalar) == (("id", "name"), [], None, None)
    assert list(things.stream("SELECT id FROM things")) == []
    assert things.read_arrow("SELECT id FROM things").num_rows == 0


def test_nulls_before_numbers_do_not_decide_the_type(things: Storage) -> None:
    quantities = [None] * 50 + [7, Decimal("0.5")]
    bind(things, [{"id": number, "quantity": quantity} for number, quantity in enumerate(quantities)])
    sql = "SELECT quantity FROM things ORDER BY id"
    assert [row[0] for row in things.query(sql).rows] == quantities
    assert [row["quantity"] for row in things.stream(sql, batch_size=10)] == quantities


def test_a_long_stream_is_complete_and_in_order(storage: Storage) -> None:
    """Longer than anything a driver fetches at once."""
    storage.execute("CREATE TABLE numbers (n INTEGER)")
    with storage.transaction() as session:
        session.bulk_load("numbers", [pa.record_batch({"n": pa.array(range(300), pa.int32())})])
    sql = "SELECT a.n * 300 + b.n AS place FROM numbers a CROSS JOIN numbers b WHERE a.n >= :least ORDER BY a.n, b.n"
    assert [row["place"] for row in storage.stream(sql, {"least": 5})] == list(range(1500, 90_000))


def test_a_stream_may_be_left_early(things: Storage) -> None:
    bind(things, [{"id": number} for number in range(5)])
    rows = things.stream("SELECT id FROM things ORDER BY id", batch_size=2)
    assert next(iter(rows)) == {"id": 0}
    rows.close()  # type: ignore[attr-defined]
    assert things.execute("DELETE FROM things") == 5


def test_a_stream_sees_what_was_committed_before_it(things: Storage) -> None:
    for number in range(4):
        bind(things, [{"id": number}])
        assert len(list(things.stream("SELECT id FROM things"))) == number + 1


def test_a_stream_cannot_write(things: Storage) -> None:
    bind(things, [{"id": 1}])
    for statement in ("INSERT INTO things (id) VALUES (2)", "-- SELECT\nDELETE FROM things", "DROP TABLE things"):
        with pytest.raises(SpineError):
            list(things.stream(statement))
        assert things.query("SELECT id FROM things").rows == [(1,)]
    bind(things, [{"id": 3}])


def test_memory_does_not_grow_with_a_stream(storage: Storage, database_url: str) -> None:
    storage.execute(f"CREATE TABLE numbers (n INTEGER, name {storage.dialect.types['text']})")
    with storage.transaction() as session:
        session.bulk_load("numbers", [pa.record_batch({"n": list(range(400)), "name": ["x" * 300] * 400})])
    with peer(stream_it, database_url, "SELECT a.n, b.name FROM numbers a CROSS JOIN numbers b") as reader:
        rows, megabytes, grown = reader.says()
    assert (rows, megabytes) == (160_000, 45)
    assert grown < 20  # as rows of Python they would be more than a hundred
