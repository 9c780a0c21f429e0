"""From the connections that people write to a working database."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from spine.core.errors import ConfigurationError
from spine.hooks.storage import StorageHook
from spine.storage.postgres import PostgresStorage
from spine.storage.sqlite import SqliteStorage
from tests.support.postgres import WITH_PASSWORD

pytestmark = pytest.mark.integration

PASSWORD = "p@ss/w:rd%?#&=+ ü'\"\\"
Hook = Callable[..., StorageHook]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Hook:
    """A hook for a connection that the environment holds: a URI, or the fields as JSON."""

    def make(connection: str | dict[str, Any]) -> StorageHook:
        text = connection if isinstance(connection, str) else json.dumps(connection)
        monkeypatch.setenv("AIRFLOW_CONN_UNDER_TEST", text)
        return StorageHook("under_test")

    return make


def postgres_fields(url: str, **changes: Any) -> dict[str, Any]:
    parts = urlsplit(url)
    fields = {
        "conn_type": "postgres",
        "host": parts.hostname,
        "port": parts.port,
        "login": parts.username,
        "schema": parts.path[1:],
    }
    return fields | changes


def works(hook: StorageHook) -> str:
    """Where it is, once something was written there and read back."""
    with closing(hook.get_storage()) as storage:
        storage.execute("CREATE TABLE known (id INTEGER)")
        assert storage.execute("INSERT INTO known VALUES (1)") == 1
        assert storage.query("SELECT id FROM known").rows == [(1,)]
        return storage.describe()


def test_sqlite_by_its_host_field(hook: Hook, tmp_path: Path) -> None:
    path = tmp_path / "with space" / "spine.db"
    assert works(hook({"conn_type": "sqlite", "host": str(path)})) == f"SQLite {path}"
    assert path.exists()


@pytest.mark.parametrize("slashes", ["sqlite:///", "sqlite:////"])
def test_sqlite_by_uri(hook: Hook, tmp_path: Path, slashes: str) -> None:
    path = tmp_path / "spine.db"
    assert works(hook(slashes + str(path).lstrip("/"))) == f"SQLite {path}"


def test_sqlite_by_uri_with_an_encoded_path(hook: Hook, tmp_path: Path) -> None:
    path = tmp_path / "spine.db"
    assert works(hook(f"sqlite://{quote(str(path), safe='')}")) == f"SQLite {path}"


def test_a_relative_path_is_below_the_working_folder(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    works(hook({"conn_type": "sqlite", "host": "below/spine.db"}))
    assert (tmp_path / "below" / "spine.db").exists()


def test_sqlite_without_a_path(hook: Hook) -> None:
    with pytest.raises(ConfigurationError, match="'under_test' names no file; put the path in its host field"):
        hook({"conn_type": "sqlite"}).get_storage()


def test_sqlite_extras(hook: Hook, tmp_path: Path) -> None:
    extra = {"busy_timeout": "1.5", "pool_size": 2, "pool_timeout": 0.01}
    with closing(
        hook({"conn_type": "sqlite", "host": str(tmp_path / "a.db"), "extra": extra}).get_storage()
    ) as storage:
        assert isinstance(storage, SqliteStorage)
        assert storage.busy_timeout == 1.5
        assert storage.query("SELECT timeout FROM pragma_busy_timeout").scalar == 1500


@pytest.mark.parametrize("name", ["busy_timeout", "pool_size", "max_overflow", "pool_timeout"])
def test_an_extra_that_is_no_number_is_named(hook: Hook, tmp_path: Path, name: str) -> None:
    fields = {"conn_type": "sqlite", "host": str(tmp_path / "a.db"), "extra": {name: "many"}}
    with pytest.raises(ConfigurationError, match=f"extra {name} is 'many'; expected a number"):
        hook(fields).get_storage()


def test_postgres_by_fields_and_by_uri(hook: Hook, postgres_url: str) -> None:
    described = f"PostgreSQL {urlsplit(postgres_url).netloc.partition('@')[2]}{urlsplit(postgres_url).path}"
    assert works(hook(postgres_fields(postgres_url))) == described
    with closing(hook(postgres_url.replace("postgresql", "postgres")).get_storage()) as storage:
        assert storage.query("SELECT id FROM known").rows == [(1,)]


@pytest.fixture
def with_password(postgres_url: str) -> Iterator[str]:
    """The URL of a database in which a role needs a password."""
    with closing(PostgresStorage(postgres_url)) as root:
        escaped = PASSWORD.replace("'", "''")
        root.execute(f"CREATE ROLE {WITH_PASSWORD} LOGIN PASSWORD '{escaped}'")
        yield postgres_url
        root.execute(f"DROP ROLE {WITH_PASSWORD}")


def test_a_password_may_have_any_character(hook: Hook, with_password: str) -> None:
    parts = urlsplit(with_password)
    place = f"{parts.hostname}:{parts.port}{parts.path}"
    as_uri = f"postgres://{WITH_PASSWORD}:{quote(PASSWORD, safe='')}@{place}"
    as_fields = postgres_fields(with_password, login=WITH_PASSWORD, password=PASSWORD)
    for connection in (as_uri, as_fields):
        assert hook(connection).test_connection() == (True, f"Connected to PostgreSQL {place}")


def test_a_wrong_password_is_told_without_it(hook: Hook, with_password: str) -> None:
    fields = postgres_fields(with_password, login=WITH_PASSWORD, password="s3cret")
    ok, message = hook(fields).test_connection()
    assert not ok
    assert message.startswith("[PERMISSION]")
    assert "s3cret" not in message


def test_postgres_extras(hook: Hook, postgres_url: str) -> None:
    with closing(PostgresStorage(postgres_url)) as root:
        root.execute("CREATE SCHEMA spine")
    extra = {
        "schema": "spine",
        "application_name": "a b+c",
        "options": "-c statement_timeout=4321",
        "cursor": "ignored",
    }
    with closing(hook(postgres_fields(postgres_url, extra=extra)).get_storage()) as storage:
        shown = (
            "SELECT current_schema() AS s, current_setting('application_name') AS a, "
            "current_setting('statement_timeout') AS t"
        )
        assert storage.query(shown).rows == [("spine", "a b+c", "4321ms")]
    with closing(hook(postgres_fields(postgres_url)).get_storage()) as storage:
        assert storage.query("SELECT current_setting('application_name') AS a").scalar == "spine"


def test_an_ipv6_host_and_the_defaults(hook: Hook) -> None:
    with closing(
        hook({"conn_type": "postgres", "host": "::1", "login": "me", "schema": "spine"}).get_storage()
    ) as storage:
        assert storage.describe() == "PostgreSQL ::1:5432/spine"
    with closing(hook({"conn_type": "postgres"}).get_storage()) as storage:
        assert storage.describe() == "PostgreSQL localhost:5432/postgres"


def test_db2_by_its_fields(hook: Hook, db2_url: str) -> None:
    """IBM's driver over DRDA against Apache Derby, not Db2."""
    parts = urlsplit(db2_url)
    fields = {
        "conn_type": "db2",
        "host": parts.hostname,
        "port": parts.port,
        "login": parts.username,
        "password": parts.password,
        "schema": parts.path[1:],
        "extra": {**dict(parse_qsl(parts.query)), "security": "", "lock_timeout": 5, "pool_size": "2"},
    }
    assert works(hook(fields)) == f"Db2 {parts.hostname}:{parts.port}{parts.path}"
    ok, message = hook({**fields, "password": "s3cret"}).test_connection()
    assert (ok, "s3cret" in message) == (False, False)
    with pytest.raises(ConfigurationError, match="names no database"):
        hook({**fields, "schema": ""}).get_storage()


@pytest.mark.parametrize(
    ("kind", "hint"), [("mysql", "known: db2, postgres, sqlite"), ("postgre", "did you mean 'postgres'?")]
)
def test_another_kind_of_connection_is_refused(hook: Hook, kind: str, hint: str) -> None:
    connection = hook({"conn_type": kind, "host": "h"})
    with pytest.raises(ConfigurationError, match="which is no Spine database") as caught:
        connection.get_conn()
    assert hint in caught.value.message
    assert connection.test_connection() == (False, str(caught.value))


def test_the_button_tells_what_is_wrong(hook: Hook, tmp_path: Path) -> None:
    assert hook({"conn_type": "sqlite", "host": str(tmp_path / "a.db")}).test_connection() == (
        True,
        f"Connected to SQLite {tmp_path / 'a.db'}",
    )
    ok, message = hook({"conn_type": "sqlite", "host": str(tmp_path)}).test_connection()
    assert (ok, "name a file in it" in message) == (False, True)
    ok, message = hook(
        {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "password": "s3cret"}
    ).test_connection()
    assert (ok, "s3cret" in message) == (False, False)


def test_a_connection_that_is_not_there(airflow_env: Path) -> None:
    assert "AIRFLOW_CONN_NOWHERE" not in os.environ
    ok, message = StorageHook("nowhere").test_connection()
    assert not ok
    assert "nowhere" in message
