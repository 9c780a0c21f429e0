"""Of Db2 alone, with IBM's driver over DRDA against Apache Derby, not Db2."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from spine.core.errors import (
    ConfigurationError,
    DependencyError,
    LoadError,
    PermissionDenied,
    SpineError,
    TransformError,
    TransientError,
)
from spine.storage.base import Storage
from spine.storage.db2 import Db2Storage
from spine.storage.db2_place import Db2Place
from tests.support.db2_wire.server import DATABASE, LOCK_TIMEOUT
from tests.support.storage import open_storage
from tests.support.tcp_proxy import Break, Way, proxy_to

pytestmark = pytest.mark.integration


def refused(url: str) -> SpineError:
    with pytest.raises(SpineError) as caught, open_storage(url) as storage:
        storage.query("VALUES 1")
    assert "s3cret" not in str(caught.value.to_dict())
    return caught.value


def test_what_keeps_a_connection_from_being_made(db2_url: str) -> None:
    assert isinstance(refused(db2_url.replace(":app@", ":s3cret@")), PermissionDenied)
    assert isinstance(refused(db2_url.replace(f"/{DATABASE}", "/NOWHERE")), ConfigurationError)
    absent = refused(db2_url.replace(str(urlsplit(db2_url).port), "1"))
    assert isinstance(absent, DependencyError) and absent.retryable


def test_a_stream_takes_back_what_it_should_not_have_done(db2_url: str) -> None:
    with open_storage(db2_url) as storage:
        storage.execute("CREATE TABLE known (id INTEGER)")
        for statement in ("INSERT INTO known VALUES (1)", "-- SELECT\nDELETE FROM known"):
            with pytest.raises(PermissionDenied, match="only reads"):
                list(storage.stream(statement))
        assert storage.query("SELECT id FROM known").rows == []


def test_names_are_lower_case_unless_quoted_otherwise(db2_url: str) -> None:
    with open_storage(db2_url) as storage:
        storage.execute('CREATE TABLE known (id INTEGER, "Mixed" INTEGER)')
        assert storage.query('SELECT id, "Mixed", id AS "totalVolume" FROM known').columns == (
            "id",
            "Mixed",
            "totalVolume",
        )
        assert storage.tables() == ["known"]


def test_an_external_table_is_asked_for_only_where_it_can_hold_the_rows(db2_url: str) -> None:
    """Derby has no such tables: it shows that the statement is sent, in the transaction, and that the array path is left."""
    place = Db2Place.from_url(db2_url)
    rows = pa.RecordBatch.from_pydict({"id": pa.array([1, 2], pa.int32())})
    with closing(Db2Storage(place, bulk_path="external")) as storage:
        storage.execute("CREATE TABLE known (id INTEGER)")
        storage.execute("CREATE TABLE long_text (id INTEGER, words CLOB(1M))")
        with pytest.raises(TransformError, match="EXTERNAL"), storage.transaction() as session:
            session.bulk_load("known", [rows])
        assert storage.query("SELECT id FROM known").rows == []
        with storage.transaction() as session:
            assert session.bulk_load("known", [rows.slice(0, 0)]) == 0
            assert session.bulk_load("long_text", [rows.append_column("words", pa.array(["a", "b"]))]) == 2
        assert storage.query("SELECT words FROM long_text ORDER BY id").rows == [("a",), ("b",)]


@pytest.fixture
def known(db2_url: str) -> Iterator[Storage]:
    with open_storage(db2_url) as storage:
        storage.execute("CREATE TABLE known (id INTEGER NOT NULL PRIMARY KEY, code VARCHAR(3), shares DECIMAL(8, 6))")
        storage.execute("INSERT INTO known (id) VALUES (1)")
        yield storage


@pytest.mark.parametrize(
    ("sql", "value", "state"),
    [
        ("INSERT INTO known (id) VALUES (:value)", 1, "23505"),
        ("INSERT INTO known (id) VALUES (:value)", None, "23502"),
        ("INSERT INTO known (id) VALUES (:value)", 1 << 40, "22003"),
        ("INSERT INTO known (id, code) VALUES (2, :value)", "long", "22001"),
        ("INSERT INTO known (id, shares) VALUES (2, :value)", Decimal(100), "22003"),
        ("UPDATE known SET shares = 1 / :value", 0, "22012"),
    ],
)
def test_a_value_that_cannot_be_is_an_error_of_the_load(known: Storage, sql: str, value: object, state: str) -> None:
    with pytest.raises(LoadError) as caught:
        known.execute(sql, {"value": value})
    assert caught.value.context["sqlstate"] == state
    assert not caught.value.retryable


@pytest.fixture
def short_waits(known: Storage) -> Iterator[None]:
    """Derby has one time-out for everybody."""
    change = "CALL SYSCS_UTIL.SYSCS_SET_DATABASE_PROPERTY('derby.locks.waitTimeout', '{seconds}')"
    known.execute(change.format(seconds=1))
    yield
    known.execute(change.format(seconds=LOCK_TIMEOUT))


@pytest.mark.usefixtures("short_waits")
def test_a_lock_that_stays_is_an_error_to_try_again(known: Storage) -> None:
    with known.transaction() as holder:
        holder.execute("UPDATE known SET code = 'a'")
        with pytest.raises(TransientError, match="SQL0911N") as caught:
            known.execute("UPDATE known SET code = 'b'")
    assert caught.value.retryable
    assert known.query("SELECT code FROM known").scalar == "a"


def test_one_of_two_in_a_deadlock_is_told_to_try_again(known: Storage) -> None:
    known.execute("INSERT INTO known (id) VALUES (2)")
    both_hold_one = threading.Barrier(2)

    def change(first: int, second: int) -> str:
        try:
            with known.transaction() as session:
                session.execute("UPDATE known SET code = 'x' WHERE id = :id", {"id": first})
                both_hold_one.wait(60)
                session.execute("UPDATE known SET code = 'x' WHERE id = :id", {"id": second})
        except TransientError as error:
            return f"{error.context['sqlcode']}"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(change, (1, 2), (2, 1))) == ["-911", "done"]


def test_a_line_that_breaks_is_told_and_made_anew(db2_url: str) -> None:
    port = urlsplit(db2_url).port
    assert port is not None
    with proxy_to(port) as proxy, open_storage(db2_url.replace(f":{port}/", f":{proxy.port}/")) as storage:
        assert storage.query("VALUES 1").scalar == 1
        proxy.arm(Break(Way.ANSWER))
        with pytest.raises(DependencyError) as caught:
            storage.query("VALUES 1")
        assert caught.value.retryable
        proxy.arm(None)
        assert storage.query("VALUES 1").scalar == 1
