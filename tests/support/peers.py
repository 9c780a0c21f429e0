"""Tasks in processes of their own, at the other end of a pipe: to be let loose, stopped and killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import tests.support.elsewhere  # noqa: F401 - tells the fork server what to import beforehand

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
        self.tell("go")

    def kill(self) -> None:
        self.process.kill()
        self.process.join(_PATIENCE)

    def tell(self, what: Any) -> None:
        self.pipe.send(what)

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

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
