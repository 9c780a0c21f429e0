"""Connections that break: one error, which may be tried again after, never half a result, and then all is well."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from spine.core.errors import DependencyError
from spine.storage.base import Storage
from tests.support.cut_line import CutLine, cut_line
from tests.support.tcp_proxy import Break, Way

pytestmark = pytest.mark.integration

NOW = Break(Way.REQUEST)


@pytest.fixture(params=["postgres", "db2"])
def line(request: pytest.FixtureRequest) -> Iterator[CutLine]:
    """A database with some numbers. SQLite is left out, where there is no line to cut."""
    with cut_line(request.getfixturevalue(f"{request.param}_url")) as line:
        line.safe.execute(f"CREATE TABLE numbers (n INTEGER NOT NULL, name {line.safe.dialect.types['text']})")
        with line.safe.transaction() as session:
            session.bulk_load("numbers", [rows(0, 300)])
        assert count(line.storage) == 300
        yield line


def rows(first: int, many: int) -> pa.RecordBatch:
    return pa.record_batch({"n": pa.array(range(first, first + many), pa.int32()), "name": ["x" * 100] * many})


def count(storage: Storage) -> int:
    return int(storage.query("SELECT COUNT(*) FROM numbers").scalar)


def broken(line: CutLine, plan: Break, work: Callable[[], object]) -> DependencyError:
    """The error of work whose connection breaks."""
    line.proxy.arm(plan)
    with pytest.raises(DependencyError) as caught:
        work()
    assert line.proxy.broke
    assert caught.value.retryable
    line.proxy.arm(None)
    return caught.value


STATEMENTS: dict[str, Callable[[Storage], object]] = {
    "query": count,
    "execute": lambda storage: storage.execute("INSERT INTO numbers (n) VALUES (:n)", {"n": 1000}),
    "stream": lambda storage: list(storage.stream("SELECT n FROM numbers")),
    "read_arrow": lambda storage: storage.read_arrow("SELECT n FROM numbers"),
    "catalog": lambda storage: storage.tables(),
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_connection_that_broke_while_it_was_idle_costs_one_error(line: CutLine, statement: str) -> None:
    broken(line, NOW, lambda: STATEMENTS[statement](line.storage))
    assert count(line.storage) == count(line.safe) == 300
    assert STATEMENTS[statement](line.storage)


def test_the_next_connection_leads_to_the_same_place(line: CutLine) -> None:
    """IBM's driver would go on by itself, in another schema."""
    before = line.storage.tables()
    broken(line, NOW, line.storage.tables)
    assert line.storage.tables() == before == ["numbers"]


SQUARE = "SELECT a.n, b.name FROM numbers a CROSS JOIN numbers b"


def read_batches(storage: Storage) -> pa.Table:
    with storage.stream_arrow(SQUARE, batch_rows=1000) as reader:
        return reader.read_all()


READERS: dict[str, Callable[[Storage], object]] = {
    "query": lambda storage: storage.query(SQUARE),
    "stream": lambda storage: [row["n"] for row in storage.stream(SQUARE)],
    "read_arrow": lambda storage: storage.read_arrow(SQUARE),
    "stream_arrow": read_batches,
}


@pytest.mark.parametrize("reader", READERS)
def test_half_a_result_is_an_error_and_not_a_result(line: CutLine, reader: str) -> None:
    broken(line, Break(Way.ANSWER, after_bytes=1_000_000), lambda: READERS[reader](line.storage))
    assert count(line.storage) == 300


def test_a_transaction_that_breaks_leaves_nothing(line: CutLine) -> None:
    def work() -> None:
        with line.storage.transaction() as session:
            session.execute("DELETE FROM numbers WHERE n < 100")
            session.bulk_load("numbers", [rows(1000, 50)])
            line.proxy.arm(NOW)
            session.execute("DELETE FROM numbers")

    broken(line, Break(Way.REQUEST, words=b"no such words"), work)
    assert count(line.safe) == 300
    assert count(line.storage) == 300


def test_a_load_that_breaks_leaves_nothing(line: CutLine) -> None:
    def work() -> None:
        with line.storage.transaction() as session:
            session.bulk_load("numbers", [rows(first, 1000) for first in range(1000, 6000, 1000)])

    broken(line, Break(Way.REQUEST, after_bytes=200_000), work)
    assert count(line.safe) == 300
    work()
    assert count(line.safe) == 5300


@pytest.mark.parametrize(("way", "there"), [(Way.REQUEST, 0), (Way.ANSWER, 1)], ids=["lost", "unheard"])
def test_a_commit_without_an_answer_may_be_there_or_not_and_says_so(line: CutLine, way: Way, there: int) -> None:
    def work() -> None:
        with line.storage.transaction() as session:
            session.execute("INSERT INTO numbers (n) VALUES (1000)")

    error = broken(line, line.commit(way), work)
    assert "may or may not be there" in error.message
    assert count(line.safe) == 300 + there


def test_a_server_that_cannot_be_reached_any_more(line: CutLine) -> None:
    line.proxy.end()
    for _ in range(2):
        with pytest.raises(DependencyError) as caught:
            count(line.storage)
        assert caught.value.retryable
