"""Many writers of one table, in threads and in processes: every row is there, and nobody is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pyarrow as pa
import pytest

from spine.core.errors import LoadError
from spine.storage.base import Storage
from tests.support.peer_tasks import write_twenty
from tests.support.peers import peer
from tests.support.processes import worker
from tests.support.storage import open_storage

pytestmark = pytest.mark.integration

WRITERS = 4


@pytest.fixture
def written(storage: Storage) -> Storage:
    """A table of who wrote what."""
    storage.execute("CREATE TABLE written (writer VARCHAR(80) NOT NULL, number INTEGER NOT NULL)")
    return storage


def by_writer(storage: Storage) -> list[tuple[str, int]]:
    return storage.query("SELECT writer, COUNT(*) AS n FROM written GROUP BY writer ORDER BY writer").rows


def in_threads(work: Callable[[int], None]) -> list[BaseException]:
    """Run it ``WRITERS`` times at once, each with its number; the errors."""
    start = threading.Barrier(WRITERS)

    def run(number: int) -> None:
        start.wait(30)
        work(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = [pool.submit(run, number) for number in range(WRITERS)]
    return [error for outcome in outcomes if (error := outcome.exception())]


def rows(writer: str, first: int, count: int) -> pa.RecordBatch:
    return pa.record_batch({"writer": [writer] * count, "number": list(range(first, first + count))})


def test_threads_that_load_at_once(written: Storage) -> None:
    def load(number: int) -> None:
        for first in range(0, 600, 200):
            with written.transaction() as session:
                session.bulk_load("written", [rows(str(number), first, 100), rows(str(number), first + 100, 100)])

    assert in_threads(load) == []
    assert by_writer(written) == [(str(number), 600) for number in range(WRITERS)]
    assert written.query("SELECT COUNT(DISTINCT number) FROM written").scalar == 600


def test_threads_that_count_up_lose_nothing_when_they_lock_first(written: Storage) -> None:
    written.execute("INSERT INTO written VALUES ('counter', 0)")

    def count_up(_: int) -> None:
        for _ in range(10):
            with written.transaction() as session:
                session.execute("UPDATE written SET number = number WHERE writer = 'counter'")
                found = session.query("SELECT number FROM written WHERE writer = 'counter'").scalar
                session.execute("UPDATE written SET number = :number WHERE writer = 'counter'", {"number": found + 1})

    assert in_threads(count_up) == []
    assert written.query("SELECT number FROM written").scalar == 10 * WRITERS


def test_of_threads_that_write_one_key_one_wins(storage: Storage) -> None:
    storage.execute("CREATE TABLE written (writer VARCHAR(80) NOT NULL PRIMARY KEY, number INTEGER NOT NULL)")

    def write(number: int) -> None:
        with storage.transaction() as session:
            session.bulk_load("written", [rows(f"own {number}", number, 1), rows("shared", number, 1)])

    errors = in_threads(write)
    assert [type(error) for error in errors] == [LoadError] * (WRITERS - 1)
    assert storage.query("SELECT COUNT(*) FROM written").scalar == 2


def test_processes_that_write_at_once(written: Storage, database_url: str) -> None:
    """Twenty transactions each."""
    names = [str(number) for number in range(WRITERS)]
    with ExitStack() as stack:
        writers = [stack.enter_context(peer(write_twenty, database_url, name)) for name in names]
        for each in writers:
            assert each.says() == "ready"
        for each in writers:
            each.go()
        for each in writers:
            each.ends()
    assert by_writer(written) == [(name, 20) for name in names]


def test_a_reader_meets_whole_transactions_only(written: Storage, database_url: str) -> None:
    """Each commits a pair; whoever counts meanwhile never finds half of one."""
    done, odd = threading.Event(), []

    def look() -> None:
        with open_storage(database_url) as reader:
            while not done.is_set():
                found = reader.query("SELECT COUNT(*) FROM written").scalar
                odd.extend([found] if found % 2 else [])

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number in range(40):
            with written.transaction() as session:
                for _ in range(2):
                    session.execute("INSERT INTO written VALUES ('pair', :number)", {"number": number})
    finally:
        done.set()
        reader.join()
    assert odd == []
    assert by_writer(written) == [("pair", 80)]


@pytest.mark.chaos
def test_a_writer_that_is_killed_leaves_nothing_behind(written: Storage, database_url: str) -> None:
    with worker("insert_and_stay", database_url, "killed") as other:
        assert other.says() == "ready"
        other.go()
        assert other.says() == "inserted"
        other.process.kill()
        other.process.wait()
    assert written.execute("INSERT INTO written VALUES ('after', 1)") == 1
    assert by_writer(written) == [("after", 1)]
