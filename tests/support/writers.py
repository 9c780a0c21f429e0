"""Writers of one SQLite file in processes of their own, to be let loose, stopped and killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import tests.support.elsewhere  # noqa: F401 - tells the fork server what to import beforehand
from spine.core.errors import TransientError
from spine.storage.sqlite import SqliteStorage

_CONTEXT = multiprocessing.get_context("forkserver")
_PATIENCE = 60.0

Task = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Peer:
    """A task in another process, at the other end of a pipe."""

    process: Any
    pipe: Connection

    @property
    def pid(self) -> int:
        return int(self.process.pid)

    def says(self) -> Any:
        assert self.pipe.poll(_PATIENCE), "it says nothing"
        return self.pipe.recv()

    def go(self) -> None:
        self.pipe.send("go")

    def kill(self) -> None:
        self.process.kill()
        self.process.join(_PATIENCE)

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def ends(self) -> None:
        self.process.join(_PATIENCE)
        assert self.process.exitcode == 0, self.process.exitcode


@contextmanager
def peer(task: Task, *args: Any) -> Iterator[Peer]:
    """``task(pipe, *args)`` elsewhere; it is gone at the end of the block."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=task, args=(theirs, *args))
    process.start()
    theirs.close()
    try:
        yield Peer(process, ours)
    finally:
        process.kill()
        process.join(_PATIENCE)
        ours.close()


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
