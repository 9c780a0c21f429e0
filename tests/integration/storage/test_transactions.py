"""All of a transaction or nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from spine.core.errors import LoadError, SourceError, SpineError, TransformError, TransientError
from spine.storage.base import Storage
from spine.storage.connect import connect_storage
from tests.support.storage import open_storage, skip_where_readers_wait

pytestmark = pytest.mark.integration


@pytest.fixture
def lines(storage: Storage) -> Storage:
    types = storage.dialect.types
    storage.execute(
        f"CREATE TABLE lines (id {types['bigint']} PRIMARY KEY, name {types['text']}, seen_at {types['instant']})"
    )
    return storage


def put(storage: Storage, *ids: int) -> None:
    with storage.transaction() as session:
        for each in ids:
            session.execute("INSERT INTO lines (id) VALUES (:id)", {"id": each})


def ids_in(storage: Storage) -> list[int]:
    return [row[0] for row in storage.query("SELECT id FROM lines ORDER BY id").rows]


def rows(*ids: int) -> pa.RecordBatch:
    seen_at = pa.array([0] * len(ids), pa.timestamp("us", "UTC"))
    return pa.record_batch({"id": pa.array(ids, pa.int64()), "seen_at": seen_at})


def test_a_transaction_is_there_when_it_ends(lines: Storage) -> None:
    put(lines, 1, 2)
    assert ids_in(lines) == [1, 2]


def test_nobody_else_sees_it_before(lines: Storage, database_url: str) -> None:
    skip_where_readers_wait(lines)
    with open_storage(database_url) as other, lines.transaction() as session:
        session.execute("INSERT INTO lines (id) VALUES (1)")
        assert session.query("SELECT COUNT(*) AS n FROM lines").scalar == 1
        assert ids_in(other) == []
        assert list(other.stream("SELECT id FROM lines")) == []


@pytest.mark.parametrize("error", [SourceError("a"), ValueError("b"), KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_any_error_takes_all_of_it_back(lines: Storage, error: BaseException) -> None:
    put(lines, 1)
    with pytest.raises(type(error)) as caught, lines.transaction() as session:
        session.execute("DELETE FROM lines")
        session.bulk_load("lines", [rows(2, 3), rows(4)])
        session.execute("INSERT INTO lines (id) VALUES (5)")
        raise error
    assert caught.value is error
    assert ids_in(lines) == [1]


def test_tables_are_taken_back_too(storage: Storage) -> None:
    with pytest.raises(ValueError, match="late"), storage.transaction() as session:
        session.execute("CREATE TABLE early (id INTEGER)")
        raise ValueError("late")
    assert storage.tables() == []


def test_a_bound_instant_does_not_end_the_transaction(lines: Storage) -> None:
    import datetime as dt

    with pytest.raises(ValueError, match="late"), lines.transaction() as session:
        now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        session.execute("INSERT INTO lines (id, seen_at) VALUES (1, :at)", {"at": now})
        session.query("SELECT id FROM lines WHERE seen_at <= :at", {"at": now})
        raise ValueError("late")
    assert ids_in(lines) == []


def test_the_storage_works_on_after_every_kind_of_failure(lines: Storage) -> None:
    put(lines, 1)
    for statement in (
        "INSERT INTO lines (id) VALUES (1)",
        "SELECT nothing FROM lines",
        "NO SQL",
        "SELECT * FROM nowhere",
    ):
        with pytest.raises(SpineError):
            lines.execute(statement)
        with pytest.raises(SpineError):
            lines.query(statement)
        with pytest.raises(SpineError), lines.transaction() as session:
            session.execute(statement)
        assert ids_in(lines) == [1]
    put(lines, 2)
    assert ids_in(lines) == [1, 2]


def test_a_failed_statement_that_was_caught_cannot_be_committed(lines: Storage) -> None:
    with pytest.raises(TransformError, match="nothing was committed"), lines.transaction() as session:
        session.execute("INSERT INTO lines (id) VALUES (1)")
        with pytest.raises(LoadError):
            session.execute("INSERT INTO lines (id) VALUES (1)")
    assert ids_in(lines) == []


def test_two_sessions_of_one_storage(lines: Storage) -> None:
    skip_where_readers_wait(lines)
    with lines.transaction() as session:
        session.execute("INSERT INTO lines (id) VALUES (1)")
        assert ids_in(lines) == []
        assert [row["id"] for row in lines.stream("SELECT id FROM lines")] == []
    assert ids_in(lines) == [1]


def test_a_transaction_inside_another_stands_alone(lines: Storage) -> None:
    """SQLite has one writer, so there the inner one must give up and not wait for ever."""
    if lines.dialect.name != "sqlite":
        with pytest.raises(ValueError, match="outer"), lines.transaction() as outer:
            outer.execute("INSERT INTO lines (id) VALUES (1)")
            put(lines, 2)
            raise ValueError("outer")
        assert ids_in(lines) == [2]
    else:
        lines.busy_timeout = 0.05  # type: ignore[attr-defined]
        lines.close()
        with lines.transaction() as outer:
            outer.execute("INSERT INTO lines (id) VALUES (1)")
            with pytest.raises(TransientError, match="locked"):
                put(lines, 2)
        assert ids_in(lines) == [1]


def batches_then(error: BaseException, count: int) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        yield rows(number)
    raise error


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("error", [SourceError("line 7"), ValueError("defect"), KeyboardInterrupt()], ids=repr)
def test_an_error_of_who_makes_the_batches_comes_out_as_itself(
    lines: Storage, error: BaseException, count: int
) -> None:
    with pytest.raises(type(error)) as caught, lines.transaction() as session:
        session.bulk_load("lines", batches_then(error, count))
    assert caught.value is error
    assert ids_in(lines) == []
    put(lines, 1)


def test_closing_twice_and_using_again(database_url: str) -> None:
    storage = connect_storage(database_url)
    assert storage.query(f"SELECT 1 AS one {storage.dialect.no_table}").scalar == 1
    storage.close()
    storage.close()
    assert storage.query(f"SELECT 1 AS one {storage.dialect.no_table}").scalar == 1
    storage.close()
