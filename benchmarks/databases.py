"""The databases that a benchmark runs on: those of this machine, empty, and gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from benchmarks.machine import ROOT, forget_files

if TYPE_CHECKING:
    from spine.storage.base import Storage

SQL_DIR = ROOT / "include" / "sql"


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of database.

    :param fresh: the URL of an empty one, removed when the block ends.
    :param forget: make it and the operating system forget what they have read, once its connections are closed.
    """

    name: str
    fresh: Callable[[], AbstractContextManager[str]]
    forget: Callable[[], None]


@contextmanager
def places(folder: Path) -> Iterator[list[Place]]:
    """SQLite, and PostgreSQL where its programs are installed.

    The server is the tests' own (``fsync`` off); everything measured in one benchmark runs on the same one.
    """
    from tests.support.postgres import PostgresUnavailable, running_postgres

    sqlite = Place("sqlite", lambda: sqlite_file(folder), lambda: forget_files(folder))
    try:
        with running_postgres() as server:

            def forget() -> None:
                server.restart()
                forget_files(server.data)

            yield [sqlite, Place("postgres", server.database, forget)]
    except PostgresUnavailable as reason:
        print(f"PostgreSQL left out: {reason}")
        yield [sqlite]


@contextmanager
def sqlite_file(folder: Path) -> Iterator[str]:
    """The URL of a file that is not there yet."""
    path = folder / f"{uuid4().hex}.db"
    try:
        yield f"sqlite:///{path}"
    finally:
        for leftover in folder.glob(f"{path.name}*"):
            leftover.unlink()


@contextmanager
def open_upgraded(url: str) -> Iterator[Storage]:
    """The database with every migration."""
    from spine.storage.connect import connect_storage
    from spine.storage.migrations import upgrade

    storage = connect_storage(url)
    try:
        upgrade(storage, SQL_DIR)
        yield storage
    finally:
        storage.close()


def published(url: str) -> list[list[str]]:
    """What readers see, as sums that two databases with the same weeks share."""
    statements = (
        "SELECT tier, COUNT(*), COUNT(DISTINCT week_ending), SUM(total_shares), SUM(total_trades) "
        "FROM finra_otc_transparency_venue_volume_latest GROUP BY tier ORDER BY tier",
        "SELECT tier, COUNT(*), SUM(total_volume) FROM finra_otc_transparency_symbol_summary_latest GROUP BY tier ORDER BY tier",
        "SELECT tier, COUNT(*), SUM(weeks_in_window) FROM finra_otc_transparency_symbol_rolling_latest "
        "GROUP BY tier ORDER BY tier",
        "SELECT tier, week_ending, COUNT(*) FROM core_captures GROUP BY tier, week_ending ORDER BY tier, week_ending",
    )
    with open_upgraded(url) as storage:
        return [[str(value) for value in row] for statement in statements for row in storage.query(statement).rows]
