"""The pool: connections that died, that ran out, and many processes on one SQLite file."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from spine.core.errors import DependencyError, TransientError
from spine.storage.base import Storage
from spine.storage.db2 import Db2Storage
from spine.storage.db2_place import Db2Place
from spine.storage.postgres import PostgresStorage
from spine.storage.sqlite import SqliteStorage
from tests.support.postgres import running_postgres
from tests.support.processes import run_together, worker

pytestmark = pytest.mark.integration

SELECT = "SELECT 1 AS one"
OTHERS = "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE application_name = 'spine-test'"


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


def test_a_restarted_server_costs_one_failure() -> None:
    with running_postgres() as server, closing(PostgresStorage(server.url())) as storage:
        storage.execute("CREATE TABLE known (id INTEGER)")
        use_several(storage, 3)
        server.restart()
        with pytest.raises(DependencyError):
            storage.query("SELECT id FROM known")
        assert storage.execute("INSERT INTO known VALUES (1)") == 1
        use_several(storage, 3)


def test_a_pool_that_is_used_up_says_so(database_url: str, tmp_path: Path) -> None:
    small = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.05}
    storage: Storage
    if database_url.startswith("sqlite"):
        storage = SqliteStorage(tmp_path / "spine.db", **small)
    elif database_url.startswith("db2"):
        storage = Db2Storage(Db2Place.from_url(database_url), **small)
    else:
        storage = PostgresStorage(database_url, **small)
    select = f"{SELECT} {storage.dialect.no_table}"
    with closing(storage):
        with storage.transaction(), pytest.raises(TransientError, match="raise pool_size"):
            storage.query(select)
        assert storage.query(select).scalar == 1


def test_connections_are_made_when_needed_and_kept(postgres_url: str) -> None:
    pid = "SELECT pg_backend_pid() AS pid"
    with closing(PostgresStorage(postgres_url)) as storage:
        assert len({storage.query(pid).scalar for _ in range(5)}) == 1
        with storage.transaction() as session:
            assert session.query(pid).scalar != storage.query(pid).scalar


def test_eight_writers_at_once_never_meet_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "spine.db"
    with closing(SqliteStorage(path)) as storage:
        storage.execute("CREATE TABLE written (writer TEXT, number INTEGER)")
        writers = [str(number) for number in range(8)]
        assert run_together("insert", f"sqlite:///{path}", writers) == [(0, "")] * 8
        rows = storage.query("SELECT writer, COUNT(*) AS n FROM written GROUP BY writer ORDER BY writer").rows
        assert rows == [(writer, 20) for writer in writers]


def test_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Changing a new file to WAL mode needs a lock that does not wait for others by itself."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert run_together("touch", url, [str(number) for number in range(5)]) == [(0, "")] * 5


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "spine.db"
    with closing(SqliteStorage(path)) as writer_storage, closing(SqliteStorage(path, busy_timeout=0)) as reader:
        writer_storage.execute("CREATE TABLE known (id INTEGER)")
        with writer_storage.transaction() as session:
            session.execute("INSERT INTO known VALUES (1)")
            assert reader.query("SELECT id FROM known").rows == []
            assert list(reader.stream("SELECT id FROM known")) == []
        assert reader.query("SELECT id FROM known").rows == [(1,)]


@pytest.mark.chaos
def test_a_writer_that_is_killed_leaves_nothing_behind(storage: Storage, database_url: str) -> None:
    storage.execute("CREATE TABLE written (writer VARCHAR(80), number INTEGER)")
    with worker("insert_and_stay", database_url, "killed") as other:
        assert other.says() == "ready"
        other.go()
        assert other.says() == "inserted"
        other.process.kill()
        other.process.wait()
    assert storage.execute("INSERT INTO written VALUES ('after', 1)") == 1
    assert storage.query("SELECT writer FROM written").rows == [("after",)]
