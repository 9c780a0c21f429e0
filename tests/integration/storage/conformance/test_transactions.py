"""All of a transaction or nothing of it, and what others see of it meanwhile."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from spine.core.errors import LoadError, SourceError, SpineError, TransformError, TransientError
from spine.storage.base import Storage
from spine.storage.connect import connect_storage
from tests.support.differences import differences
from tests.support.storage import open_storage

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 8, 3, 12, 30, 15, 123456, tzinfo=dt.timezone(dt.timedelta(hours=-4)))
ERRORS = [SourceError("a"), ValueError("b"), KeyboardInterrupt(), SystemExit(1)]


def put(storage: Storage, *ids: int) -> None:
    with storage.transaction() as session:
        for each in ids:
            session.execute("INSERT INTO things (id) VALUES (:id)", {"id": each})


def ids_in(storage: Storage) -> list[int]:
    return [row[0] for row in storage.query("SELECT id FROM things ORDER BY id").rows]


def rows(*ids: int) -> pa.RecordBatch:
    seen_at = pa.array([0] * len(ids), pa.timestamp("us", "UTC"))
    return pa.record_batch({"id": pa.array(ids, pa.int64()), "seen_at": seen_at})


def may_read_meanwhile(storage: Storage) -> None:
    if differences(storage).readers_wait:
        pytest.skip("Apache Derby, which stands in for Db2, lets readers wait for writers; Db2 does not (CUR_COMMIT)")


def test_a_transaction_is_there_when_it_ends(things: Storage) -> None:
    put(things, 1, 2)
    assert ids_in(things) == [1, 2]


def test_a_transaction_of_nothing_is_none(things: Storage) -> None:
    with things.transaction():
        pass
    with things.transaction() as session:
        assert session.query("SELECT COUNT(*) FROM things").scalar == 0


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_any_error_takes_all_of_it_back(things: Storage, error: BaseException) -> None:
    put(things, 1)
    with pytest.raises(type(error)) as caught, things.transaction() as session:
        session.execute("DELETE FROM things")
        session.bulk_load("things", [rows(2, 3), rows(4)])
        session.execute("INSERT INTO things (id) VALUES (5)")
        raise error
    assert caught.value is error
    assert ids_in(things) == [1]


def test_a_bound_instant_does_not_end_the_transaction(things: Storage) -> None:
    """PostgreSQL's driver once did that."""
    with pytest.raises(ValueError, match="late"), things.transaction() as session:
        session.execute("INSERT INTO things (id, seen_at) VALUES (1, :at)", {"at": NOW})
        session.query("SELECT id FROM things WHERE seen_at <= :at", {"at": NOW})
        raise ValueError("late")
    assert ids_in(things) == []


def test_the_storage_works_on_after_every_kind_of_failure(things: Storage) -> None:
    put(things, 1)
    for statement in (
        "INSERT INTO things (id) VALUES (1)",
        "SELECT nothing FROM things",
        "NO SQL",
        "SELECT * FROM nowhere",
    ):
        with pytest.raises(SpineError):
            things.execute(statement)
        with pytest.raises(SpineError):
            things.query(statement)
        with pytest.raises(SpineError), things.transaction() as session:
            session.execute(statement)
        assert ids_in(things) == [1]
    put(things, 2)
    assert ids_in(things) == [1, 2]


def test_a_failed_statement_that_was_caught_cannot_be_committed(things: Storage) -> None:
    with pytest.raises(TransformError, match="nothing was committed"), things.transaction() as session:
        session.execute("INSERT INTO things (id) VALUES (1)")
        with pytest.raises(LoadError):
            session.execute("INSERT INTO things (id) VALUES (1)")
    assert ids_in(things) == []


def test_a_failed_load_that_was_caught_cannot_be_committed(things: Storage) -> None:
    with pytest.raises(TransformError, match="nothing was committed"), things.transaction() as session:
        session.execute("INSERT INTO things (id) VALUES (1)")
        with pytest.raises(LoadError):
            session.bulk_load("things", [rows(2), rows(1)])
    assert ids_in(things) == []


def test_nobody_sees_it_before_it_ends(things: Storage, database_url: str) -> None:
    may_read_meanwhile(things)
    with open_storage(database_url) as other, things.transaction() as session:
        session.execute("INSERT INTO things (id) VALUES (1)")
        assert session.query("SELECT COUNT(*) AS n FROM things").scalar == 1
        for reader in (things, other):  # another connection of this process's pool, and of another pool
            assert ids_in(reader) == []
            assert [row["id"] for row in reader.stream("SELECT id FROM things")] == []
    assert ids_in(things) == [1]


def test_nobody_sees_what_was_taken_back(things: Storage, database_url: str) -> None:
    put(things, 1)
    with open_storage(database_url) as other:
        with pytest.raises(ValueError, match="late"), things.transaction() as session:
            session.execute("UPDATE things SET small = 2")
            raise ValueError("late")
        assert other.query("SELECT id, small FROM things").rows == [(1, None)]


def test_a_second_look_sees_what_others_committed(things: Storage) -> None:
    """The least isolation that all have. Who needs more locks the row first, as leases do."""
    with things.transaction() as session:
        before = session.query("SELECT COUNT(*) FROM things").scalar
        if differences(things).writers_meet:
            put(things, 1)
        assert session.query("SELECT COUNT(*) FROM things").scalar == before + differences(things).writers_meet


def test_a_stream_keeps_to_what_there_was_when_it_began(things: Storage) -> None:
    may_read_meanwhile(things)
    put(things, *range(10))
    stream = things.stream("SELECT id FROM things ORDER BY id", batch_size=2)
    seen = [next(stream)["id"]]
    things.execute("DELETE FROM things WHERE id > 5")
    put(things, 20)
    assert seen + [row["id"] for row in stream] == list(range(10))


def test_a_transaction_inside_another_stands_alone(things: Storage) -> None:
    if differences(things).writers_meet:
        with pytest.raises(ValueError, match="outer"), things.transaction() as outer:
            outer.execute("INSERT INTO things (id) VALUES (1)")
            put(things, 2)
            raise ValueError("outer")
        assert ids_in(things) == [2]
    else:  # the inner one must give up, and not wait for ever
        things.busy_timeout = 0.05  # type: ignore[attr-defined]
        things.close()
        with things.transaction() as outer:
            outer.execute("INSERT INTO things (id) VALUES (1)")
            with pytest.raises(TransientError, match="locked"):
                put(things, 2)
        assert ids_in(things) == [1]


def test_two_that_wait_for_each_other_cannot_both_win(things: Storage) -> None:
    """One of them is told to try again; where writers take turns it does not come to that."""
    put(things, 1, 2)
    both, outcomes = threading.Barrier(2), []

    def cross(first: int, second: int) -> None:
        try:
            with things.transaction() as session:
                session.execute("UPDATE things SET small = :id WHERE id = :id", {"id": first})
                if differences(things).writers_meet:
                    both.wait(30)
                session.execute("UPDATE things SET small = 0 WHERE id = :id", {"id": second})
            outcomes.append("done")
        except TransientError as error:
            outcomes.append(f"retryable {error.retryable}")

    threads = [threading.Thread(target=cross, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == (["done", "retryable True"] if differences(things).writers_meet else ["done", "done"])


def batches_then(error: BaseException, count: int) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        yield rows(number)
    raise error


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("error", [SourceError("line 7"), ValueError("defect"), KeyboardInterrupt()], ids=repr)
def test_an_error_of_who_makes_the_batches_comes_out_as_itself(
    things: Storage, error: BaseException, count: int
) -> None:
    with pytest.raises(type(error)) as caught, things.transaction() as session:
        session.bulk_load("things", batches_then(error, count))
    assert caught.value is error
    assert ids_in(things) == []
    put(things, 1)


def test_closing_twice_and_using_again(database_url: str) -> None:
    storage = connect_storage(database_url)
    for _ in range(2):
        assert storage.query(f"SELECT 1 AS one {storage.dialect.no_table}").scalar == 1
        storage.close()
        storage.close()
