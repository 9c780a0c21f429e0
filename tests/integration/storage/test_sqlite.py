"""Of SQLite alone: the file, its folder, its lock, and who may write it."""

from __future__ import annotations

import os
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from spine.core.errors import (
    ConfigurationError,
    DependencyError,
    PermissionDenied,
    SpineError,
    TransientError,
)
from spine.storage.sqlite import SqliteStorage
from tests.support.storage import open_storage

pytestmark = pytest.mark.integration

SELECT = "SELECT 1 AS one"


def refused(url: str) -> SpineError:
    """The error of connecting, in which nothing may show the password."""
    with pytest.raises(SpineError) as caught, open_storage(url) as storage:
        storage.query(SELECT)
    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.to_dict())
    assert "s3cret" not in shown
    return caught.value


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


def known_in(path: Path, *ids: int) -> SqliteStorage:
    """A database of its own with these ids, and a connection to it."""
    storage = SqliteStorage(path)
    storage.execute("CREATE TABLE known (id INTEGER)")
    for each in ids:
        storage.execute("INSERT INTO known VALUES (:id)", {"id": each})
    return storage


def remove(path: Path) -> None:
    """The database with all that belongs to it, as an operator does who makes room."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def test_a_file_removed_while_it_is_in_use_is_not_written_to(tmp_path: Path) -> None:
    with closing(known_in(tmp_path / "spine.db", 1)) as storage:
        remove(storage.path)
        with pytest.raises(DependencyError, match="removed or replaced while it was in use") as caught:
            storage.execute("INSERT INTO known VALUES (2)")
        assert caught.value.retryable
        with pytest.raises(ConfigurationError, match="airflow spine db upgrade"):
            storage.execute("INSERT INTO known VALUES (2)")


def test_a_file_removed_during_a_transaction_is_not_committed_to(tmp_path: Path) -> None:
    storage = known_in(tmp_path / "spine.db", 1)
    with pytest.raises(DependencyError, match="removed or replaced"), storage.transaction() as session:
        session.execute("INSERT INTO known VALUES (2)")
        remove(storage.path)
    storage.close()


def test_another_file_in_its_place_is_taken_up_with_the_next_connection(tmp_path: Path) -> None:
    known_in(tmp_path / "backup.db", 7).close()
    with closing(known_in(tmp_path / "spine.db", 1)) as storage:
        remove(storage.path)
        (tmp_path / "backup.db").rename(storage.path)
        with pytest.raises(DependencyError, match="removed or replaced"):
            storage.query("SELECT id FROM known")
        assert storage.query("SELECT id FROM known").rows == [(7,)]
        storage.execute("INSERT INTO known VALUES (8)")
    with open_storage(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        assert storage.query("SELECT id FROM known ORDER BY id").rows == [(7,), (8,)]
