"""Many writers of one SQLite file: each gets its turn, whoever else is greedy, stopped or dead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from spine.core.errors import TransientError
from spine.storage import sqlite
from spine.storage.sqlite import SqliteStorage
from tests.support.peers import Peer, Task, peer
from tests.support.writers import hold_turn, open_new, write_turns, write_until_written

pytestmark = pytest.mark.integration

WRITERS = 8
MANY = 100_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(SqliteStorage(tmp_path / "spine.db")) as storage:
        storage.execute("CREATE TABLE written (id INTEGER PRIMARY KEY, name TEXT)")
    return tmp_path / "spine.db"


@pytest.fixture
def storage(path: Path) -> Iterator[SqliteStorage]:
    with closing(SqliteStorage(path, busy_timeout=0.2)) as storage:
        yield storage


def names(storage: SqliteStorage) -> list[str]:
    return [row[0] for row in storage.query("SELECT name FROM written ORDER BY id").rows]


def put(storage: SqliteStorage, name: str) -> None:
    storage.execute("INSERT INTO written (name) VALUES (:name)", {"name": name})


def several(stack: ExitStack, count: int, task: Task, path: Path, *args: object) -> list[Peer]:
    return [stack.enter_context(peer(task, path, *args)) for _ in range(count)]


def test_nobody_is_passed_over(path: Path, storage: SqliteStorage) -> None:
    """While a writer waits, each of the others has its turn once, and whoever came before it."""
    turns, writers = 12, "abcd"
    with ExitStack() as stack:
        peers = [stack.enter_context(peer(write_turns, path, name, turns, 0.02)) for name in writers]
        for each in peers:
            assert each.says() == "ready"
        for each in peers:
            each.go()
        for each in peers:
            each.ends()
    written = names(storage)
    assert sorted(written) == sorted(writers * turns)
    last = min(len(written) - written[::-1].index(name) for name in writers)
    for name in writers:
        places = [place for place, each in enumerate(written[:last]) if each == name]
        assert max(after - before for before, after in pairwise(places)) <= 2 * len(writers), written


def test_a_writer_that_waits_too_long_is_told_who_writes_and_may_try_again(path: Path, storage: SqliteStorage) -> None:
    with ExitStack() as stack:
        [holder] = several(stack, 1, hold_turn, path)
        assert holder.says() == "writing"
        others = several(stack, WRITERS, write_until_written, path, "other", 0.05)
        for each in others:
            for _ in range(2):
                message, retryable = each.says()
                assert f"database is locked: process {holder.pid} on " in message
                assert "has been writing for more than 0.05 s; try again" in message
                assert retryable
        holder.kill()
        for each in others:
            while (said := each.says()) != "written":
                assert "locked" in said[0]
    assert names(storage) == ["other"] * WRITERS


def test_a_writer_killed_while_it_waits_keeps_nobody_waiting(path: Path, storage: SqliteStorage) -> None:
    with ExitStack() as stack:
        [holder] = several(stack, 1, hold_turn, path)
        assert holder.says() == "writing"
        [waiting] = several(stack, 1, write_until_written, path, "killed", 30.0)
        others = several(stack, 2, write_until_written, path, "other", 30.0)
        waiting.kill()
        holder.go()
        for each in others:
            assert each.says() == "written"
    assert names(storage) == ["holder", "other", "other"]


def test_a_writer_stopped_while_it_waits_is_passed_in_the_end(path: Path, storage: SqliteStorage) -> None:
    with ExitStack() as stack:
        [holder] = several(stack, 1, hold_turn, path)
        assert holder.says() == "writing"
        [stopped] = several(stack, 1, write_until_written, path, "stopped", 0.05)
        assert "locked" in stopped.says()[0]  # it has a place in the queue by now, or is about to draw another
        stopped.stop()
        holder.go()
        holder.ends()
        put(storage, "next")
    assert names(storage) == ["holder", "next"]


def test_threads_of_one_process_take_turns_too(storage: SqliteStorage) -> None:
    storage.busy_timeout = 30.0
    barrier = threading.Barrier(4)

    def write(name: str) -> None:
        barrier.wait(30)
        for _ in range(10):
            put(storage, name)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(storage)) == sorted("abcd" * 10)


def test_a_thread_that_waits_too_long_may_try_again(storage: SqliteStorage) -> None:
    refused: list[TransientError] = []

    def write() -> None:
        try:
            put(storage, "thread")
        except TransientError as error:
            refused.append(error)

    with storage.transaction():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert "another thread of this process has been writing" in refused[0].message
    write()
    assert names(storage) == ["thread"]


@pytest.mark.parametrize("rounds", range(5))
def test_many_that_make_the_file_at_once(tmp_path: Path, rounds: int) -> None:
    path = tmp_path / "new.db"
    with ExitStack() as stack:
        peers = several(stack, WRITERS, open_new, path)
        for each in peers:
            assert each.says() == "ready"
        for each in peers:
            each.go()
        for each in peers:
            assert each.says() == "written"
        with closing(SqliteStorage(path)) as storage:
            assert names(storage) == ["new"] * WRITERS


def test_where_no_queue_can_be_kept_writes_go_on_without(path: Path, storage: SqliteStorage) -> None:
    queue = path.with_name(f"{path.name}-queue")
    queue.unlink()
    queue.mkdir()
    put(storage, "anyway")
    assert names(storage) == ["anyway"]


def test_a_queue_file_of_something_else_does_no_harm(path: Path, storage: SqliteStorage) -> None:
    queue = path.with_name(f"{path.name}-queue")
    for content in (b"", b"\xff" * 500, b"x"):
        queue.write_bytes(content)
        put(storage, "anyway")
    assert names(storage) == ["anyway"] * 3


def rows(start: int) -> pa.RecordBatch:
    return pa.record_batch({"id": pa.array(range(start, start + MANY)), "name": pa.array(["x" * 50] * MANY)})


def test_the_log_of_a_large_load_is_given_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_MOST_WAL_BYTES", 2**20)
    with closing(SqliteStorage(path)) as storage:
        with storage.transaction() as session:
            session.bulk_load("written", [rows(0)])
            assert (storage.wal_bytes() or 0) > 2**20
        assert storage.wal_bytes() == 0
        assert storage.query("SELECT COUNT(*) FROM written").scalar == MANY


def test_a_reader_delays_that_and_no_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_MOST_WAL_BYTES", 2**20)
    with closing(SqliteStorage(path)) as storage:
        put(storage, "first")
        reading = storage.stream("SELECT name FROM written")
        assert next(reading) == {"name": "first"}
        with storage.transaction() as session:
            session.bulk_load("written", [rows(100)])
        assert (storage.wal_bytes() or 0) > 2**20
        reading.close()  # type: ignore[attr-defined]
        with storage.transaction() as session:
            session.execute("DELETE FROM written WHERE name = 'first'")
        assert storage.wal_bytes() == 0
        assert storage.query("SELECT COUNT(*) FROM written").scalar == MANY
