"""What writers of one SQLite file do, each in a process of its own (tests.support.peers)."""

from __future__ import annotations

import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

from spine.core.errors import TransientError
from spine.storage.sqlite import SqliteStorage


def write_turns(pipe: Connection, path: Path, name: str, turns: int, seconds: float) -> None:
    """One transaction after the other, each of so many seconds."""
    with closing(SqliteStorage(path)) as storage:
        storage.query("SELECT 1 AS one")
        pipe.send("ready")
        pipe.recv()
        for _ in range(turns):
            with storage.transaction() as session:
                session.execute("INSERT INTO written (name) VALUES (:name)", {"name": name})
                time.sleep(seconds)


def hold_turn(pipe: Connection, path: Path) -> None:
    """A transaction that lasts until it is told to end."""
    with closing(SqliteStorage(path)) as storage, storage.transaction() as session:
        session.execute("INSERT INTO written (name) VALUES ('holder')")
        pipe.send("writing")
        pipe.recv()


def write_until_written(pipe: Connection, path: Path, name: str, busy_timeout: float) -> None:
    """One row, as often tried as it takes; says each refusal, and that it is done."""
    with closing(SqliteStorage(path, busy_timeout=busy_timeout)) as storage:
        while True:
            try:
                storage.execute("INSERT INTO written (name) VALUES (:name)", {"name": name})
            except TransientError as error:
                pipe.send((error.message, error.retryable))
            else:
                pipe.send("written")
                return


def open_new(pipe: Connection, path: Path) -> None:
    """The first use of a file that may not be there yet."""
    pipe.send("ready")
    pipe.recv()
    with closing(SqliteStorage(path)) as storage:
        storage.execute("CREATE TABLE IF NOT EXISTS written (id INTEGER PRIMARY KEY, name TEXT)")
        storage.execute("INSERT INTO written (name) VALUES ('new')")
    pipe.send("written")
