"""What a database refuses, in our words: the kind of error, the way out, and never a password."""

from __future__ import annotations

import os
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import adbc_driver_manager.dbapi
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
from spine.storage.connect import connect_storage
from spine.storage.postgres import PostgresStorage
from spine.storage.sqlite import SqliteStorage
from tests.support.postgres import WITH_PASSWORD
from tests.support.storage import open_storage

pytestmark = pytest.mark.integration

PASSWORD = "p@ss/w:rd%?#&=+ ü'\"\\"
SELECT = "SELECT 1 AS one"


def refused(url: str) -> SpineError:
    """The error of connecting, in which nothing may show the password."""
    with pytest.raises(SpineError) as caught, open_storage(url) as storage:
        storage.query(SELECT)
    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.to_dict())
    assert "s3cret" not in shown
    return caught.value


def test_the_statement_s_own_faults(storage: Storage) -> None:
    storage.execute("CREATE TABLE known (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL)")
    storage.execute("INSERT INTO known VALUES (1, 'one')")
    faults = {
        "SELECT * FROM nowhere": (ConfigurationError, "run `airflow spine db upgrade`"),
        "SELECT missing FROM known": (ConfigurationError, "run `airflow spine db upgrade`"),
        "SELECT FROM WHERE": (TransformError, "unexpected token" if storage.dialect.name == "db2" else "syntax"),
        "INSERT INTO known VALUES (1, 'again')": (LoadError, ""),
        "INSERT INTO known VALUES (2, NULL)": (LoadError, ""),
    }
    for sql, (kind, words) in faults.items():
        with pytest.raises(kind) as caught:
            storage.execute(sql)
        assert type(caught.value) is kind
        assert words in caught.value.message
        assert caught.value.message.startswith(storage.describe())
        assert not caught.value.retryable


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


def test_statements_that_take_too_long_or_meet_a_lock(postgres_url: str) -> None:
    from spine.core.errors import DeadlineExceeded

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


def test_a_locked_file_says_so_and_may_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "spine.db"
    with closing(SqliteStorage(path)) as holder, closing(SqliteStorage(path, busy_timeout=0.05)) as other:
        holder.execute("CREATE TABLE known (id INTEGER)")
        with holder.transaction() as session:
            session.execute("INSERT INTO known VALUES (1)")
            assert other.query("SELECT COUNT(*) AS n FROM known").scalar == 0
            with pytest.raises(TransientError, match="try again"):
                other.execute("INSERT INTO known VALUES (2)")
            with pytest.raises(TransientError, match="try again"), other.transaction():
                pass
        assert other.execute("INSERT INTO known VALUES (2)") == 1


def test_a_path_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no database\n" * 100)
    for path, words in {
        file: "no SQLite database",
        tmp_path: "name a file in it",
        file / "spine.db": "folder cannot be made",
    }.items():
        error = refused(f"sqlite:///{path}")
        assert isinstance(error, ConfigurationError)
        assert words in error.message
        assert str(path) in error.message
    assert file.read_text() == "no database\n" * 100


def test_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b c" / "ü?#%.db"
    with open_storage(f"sqlite:///{quote(str(path))}") as storage:
        storage.execute("CREATE TABLE known (id INTEGER)")
    assert path.exists()


@contextmanager
def without_power() -> Iterator[None]:
    """As an account to which file permissions apply: they do not to root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts can reach, unlike tmp_path."""
    folder = Path(tempfile.mkdtemp(prefix="spine-readonly-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_file_that_may_only_be_read(open_folder: Path) -> None:
    path = open_folder / "spine.db"
    with closing(SqliteStorage(path)) as storage:
        storage.execute("CREATE TABLE known (id INTEGER)")
    path.chmod(0o444)
    open_folder.chmod(0o555)
    with without_power(), closing(SqliteStorage(path)) as storage:
        with pytest.raises(SpineError) as caught:
            storage.execute("INSERT INTO known VALUES (1)")
        assert isinstance(caught.value, PermissionDenied)
        assert "writable" in caught.value.message


def test_a_folder_that_may_not_be_written(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    with without_power():
        for path in (open_folder / "spine.db", open_folder / "deeper" / "spine.db"):
            with (
                closing(SqliteStorage(path)) as storage,
                pytest.raises((PermissionDenied, DependencyError), match="folder"),
            ):
                storage.query(SELECT)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://bob:s3cret@host/spine", "known: db2, postgres, postgresql, sqlite"),
        ("postgre://bob:s3cret@host/spine", "did you mean 'postgres'"),
        ("sqlite:///", "names no file"),
        ("sqlite://spine.db", "names no file"),
        ("/data/spine.db", "URL scheme"),
        ("", "URL scheme"),
    ],
)
def test_a_url_that_names_no_database(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        connect_storage(url)
    assert "s3cret" not in caught.value.message


def test_a_place_is_described_without_credentials(postgres_url: str) -> None:
    parts = urlsplit(postgres_url)
    with open_storage(postgres_url) as storage:
        assert storage.describe() == f"PostgreSQL {parts.hostname}:{parts.port}{parts.path}"
    assert PostgresStorage("postgresql:///spine?host=/run").describe() == "PostgreSQL local:5432/spine"


def test_the_driver_s_errors_are_all_ours(storage: Storage) -> None:
    import ibm_db_dbi

    with pytest.raises(SpineError) as caught:
        storage.query("SELECT FROM WHERE")
    driver_s = ibm_db_dbi.Error if storage.dialect.name == "db2" else adbc_driver_manager.dbapi.Error
    assert isinstance(caught.value.__cause__, driver_s)
