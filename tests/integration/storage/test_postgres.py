"""Of PostgreSQL alone: what a URL may hold, credentials, schemas, time-outs, and servers that go away."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    DependencyError,
    PermissionDenied,
    SpineError,
    TransientError,
)
from spine.storage.base import Storage
from spine.storage.postgres import PostgresStorage
from tests.support.postgres import WITH_PASSWORD
from tests.support.storage import open_storage

pytestmark = pytest.mark.integration

PASSWORD = "p@ss/w:rd%?#&=+ ü'\"\\"
SELECT = "SELECT 1 AS one"
OTHERS = "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE application_name = 'spine-test'"


def refused(url: str) -> SpineError:
    """The error of connecting, in which nothing may show the password."""
    with pytest.raises(SpineError) as caught, open_storage(url) as storage:
        storage.query(SELECT)
    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.to_dict())
    assert "s3cret" not in shown
    return caught.value


def test_a_server_that_is_not_there() -> None:
    error = refused("postgresql://bob:s3cret@127.0.0.1:1/spine")
    assert isinstance(error, DependencyError)
    assert "127.0.0.1:1/spine" in error.message
    assert error.retryable


def test_a_host_that_nobody_knows() -> None:
    assert isinstance(refused("postgresql://bob:s3cret@nobody.invalid/spine"), DependencyError)


def test_a_database_or_role_that_is_not_there(postgres_url: str) -> None:
    assert isinstance(refused(postgres_url + "_missing"), ConfigurationError)
    assert isinstance(refused(postgres_url.replace("spine_root", "nobody:s3cret")), PermissionDenied)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bob:s3cret%zz@127.0.0.1/spine",
        "postgresql://bob:s3cret/with/slashes@127.0.0.1/spine",
        "postgresql://bob:12/s3cret@127.0.0.1/spine",
        "postgresql://bob:s3cret?#@127.0.0.1/spine",
        "postgresql://bob:s3cret@127.0.0.1:port/spine",
        "postgresql://bob:s3cret@[::1/spine",
        "postgresql://bob:s3cret@127.0.0.1/spine?no_such_option=s3cret",
    ],
)
def test_a_malformed_url_is_not_quoted(url: str) -> None:
    assert "percent-encode" in refused(url).message


@pytest.fixture
def with_password(postgres_url: str) -> Iterator[str]:
    """The URL of the database for a role that needs a password, without one."""
    with closing(PostgresStorage(postgres_url)) as root:
        escaped = PASSWORD.replace("'", "''")
        root.execute(f"CREATE ROLE {WITH_PASSWORD} LOGIN PASSWORD '{escaped}'")
        yield postgres_url.replace("spine_root", f"{WITH_PASSWORD}:{{password}}")
        root.execute(f"DROP ROLE {WITH_PASSWORD}")


def test_a_wrong_password_is_a_refusal_and_not_shown(with_password: str) -> None:
    error = refused(with_password.format(password="s3cret"))
    assert isinstance(error, PermissionDenied)
    assert not error.retryable
    assert isinstance(refused(with_password.format(password="")), PermissionDenied)


def test_a_password_may_have_any_character(with_password: str) -> None:
    with open_storage(with_password.format(password=quote(PASSWORD, safe=""))) as storage:
        assert storage.query("SELECT current_user AS me").scalar == WITH_PASSWORD
        assert PASSWORD not in storage.describe()
        with pytest.raises(PermissionDenied):
            storage.execute("CREATE TABLE public.mine (id INTEGER)")


def test_a_place_is_described_without_credentials(postgres_url: str) -> None:
    parts = urlsplit(postgres_url)
    with open_storage(postgres_url) as storage:
        assert storage.describe() == f"PostgreSQL {parts.hostname}:{parts.port}{parts.path}"
    assert PostgresStorage("postgresql:///spine?host=/run").describe() == "PostgreSQL local:5432/spine"


def test_statements_that_take_too_long_or_meet_a_lock(postgres_url: str) -> None:
    with closing(PostgresStorage(postgres_url)) as one, closing(PostgresStorage(postgres_url)) as other:
        one.execute("CREATE TABLE known (id INTEGER)")
        with pytest.raises(DeadlineExceeded), one.transaction() as session:
            session.execute("SET LOCAL statement_timeout = 20")
            session.query("SELECT pg_sleep(10) AS slept")
        with one.transaction() as holder, pytest.raises(TransientError), other.transaction() as session:
            holder.execute("LOCK TABLE known IN ACCESS EXCLUSIVE MODE")
            session.execute("SET LOCAL lock_timeout = 20")
            session.execute("INSERT INTO known VALUES (1)")
        with pytest.raises(PermissionDenied), one.transaction() as session:
            session.execute("SET TRANSACTION READ ONLY")
            session.execute("INSERT INTO known VALUES (1)")
        assert one.query("SELECT COUNT(*) AS n FROM known").scalar == 0


def test_a_schema_of_its_own(postgres_url: str) -> None:
    with closing(PostgresStorage(postgres_url)) as root:
        root.execute('CREATE SCHEMA "my ""spine"""')
        root.execute("CREATE TABLE public.elsewhere (id INTEGER)")
    with closing(PostgresStorage(postgres_url, schema='my "spine"')) as storage:
        storage.execute("CREATE TABLE mine (id INTEGER)")
        assert storage.query("SELECT table_schema FROM information_schema.tables WHERE table_name = 'mine'").rows == [
            ('my "spine"',)
        ]
        assert storage.tables() == ["mine"]
        with pytest.raises(ConfigurationError, match="elsewhere"):
            storage.query("SELECT * FROM elsewhere")


def test_a_schema_that_is_not_there_is_an_error_and_not_public(postgres_url: str) -> None:
    with closing(PostgresStorage(postgres_url, schema="spine")) as storage:
        with pytest.raises(ConfigurationError, match=r"no schema 'spine', or it may not be used; create it"):
            storage.execute("CREATE TABLE astray (id INTEGER)")
        with closing(PostgresStorage(postgres_url)) as root:
            assert root.tables() == []
            root.execute("CREATE SCHEMA spine")
        storage.execute("CREATE TABLE mine (id INTEGER)")
        assert storage.tables() == ["mine"]


def test_a_schema_that_may_not_be_used_is_an_error_and_not_public(postgres_url: str) -> None:
    with closing(PostgresStorage(postgres_url)) as root:
        root.execute("CREATE SCHEMA closed")
        root.execute("CREATE ROLE spine_visitor LOGIN")
        visitor = postgres_url.replace("spine_root", "spine_visitor")
        with (
            closing(PostgresStorage(visitor, schema="closed")) as storage,
            pytest.raises(ConfigurationError, match="no schema 'closed', or it may not be used"),
        ):
            storage.query("SELECT 1 AS one")
        root.execute("DROP ROLE spine_visitor")


def use_several(storage: Storage, count: int) -> None:
    """Leave that many connections idle in the pool."""
    barrier = threading.Barrier(count)

    def use() -> None:
        with storage.transaction() as session:
            barrier.wait(30)
            session.query(SELECT)

    threads = [threading.Thread(target=use) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_one_dead_connection_takes_the_other_idle_ones_with_it(postgres_url: str) -> None:
    with closing(PostgresStorage(f"{postgres_url}?application_name=spine-test")) as storage:
        use_several(storage, 4)
        with closing(PostgresStorage(postgres_url)) as administrator:
            assert administrator.query(OTHERS).scalar == 4
        with pytest.raises(DependencyError) as caught:
            storage.query(SELECT)
        assert caught.value.retryable
        for _ in range(5):
            use_several(storage, 4)


def test_a_connection_that_dies_within_a_transaction(postgres_url: str) -> None:
    with closing(PostgresStorage(f"{postgres_url}?application_name=spine-test")) as storage:
        storage.execute("CREATE TABLE known (id INTEGER)")
        with pytest.raises(DependencyError), storage.transaction() as session:
            session.execute("INSERT INTO known VALUES (1)")
            with closing(PostgresStorage(postgres_url)) as administrator:
                administrator.query(OTHERS)
            session.execute("INSERT INTO known VALUES (2)")
        assert storage.query("SELECT COUNT(*) AS n FROM known").scalar == 0


def test_connections_are_made_when_needed_and_kept(postgres_url: str) -> None:
    pid = "SELECT pg_backend_pid() AS pid"
    with closing(PostgresStorage(postgres_url)) as storage:
        assert len({storage.query(pid).scalar for _ in range(5)}) == 1
        with storage.transaction() as session:
            assert session.query(pid).scalar != storage.query(pid).scalar


def test_a_silent_server_is_asked_whether_it_is_still_there(postgres_url: str) -> None:
    """Else a server that vanished would be waited for as long as the system likes: two hours."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("only Linux tells the timers of its connections")
    with closing(PostgresStorage(postgres_url)) as storage:
        port = storage.query("SELECT inet_client_port() AS port").scalar
        for _ in range(50):
            rows = map(str.split, table.read_text().splitlines()[1:])
            timers = [row[5].partition(":") for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]
            kind, _, when = timers[0]
            if kind == "02":
                break
            time.sleep(0.1)  # what was sent last waits for its answer, and has that timer meanwhile
    assert (kind, int(when, 16) <= 60 * os.sysconf("SC_CLK_TCK")) == ("02", True)  # 02: the timer of keepalives
