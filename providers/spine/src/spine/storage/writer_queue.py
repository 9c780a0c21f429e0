"""Whose turn it is to write to a SQLite file: first come, first served, among threads and processes of one machine.

SQLite's own waiting writers look again now and then, and whoever looks at the right moment wins: one that writes without
a pause starves the others. So a writer draws a ticket, and waits until no lower one is locked. The locks are the kernel's,
on bytes of a file beside the database: a process that ends, however it ends, makes way. The queue only orders. What guards
the database is SQLite's own lock, so a writer that knows no queue, or cannot use it, does no harm.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from weakref import WeakValueDictionary

from spine.core.errors import TransientError

_POLL_SECONDS, _MOST_POLLS = 0.001, 10  # the next one looks often, who stands further behind less so
_NUMBER = struct.Struct("<Q")
# The file: the last ticket drawn, the ticket whose turn it is, and who has it. Locked bytes need not exist.
_DRAWN, _SERVED, _HOLDER, _HOLDER_BYTES = 0, 8, 16, 200
_MACHINE, _TICKETS, _MOST_TICKETS = 1 << 20, 1 << 21, 1 << 48


class WriterQueue:
    """The writers of one database file."""

    def __init__(self, database: Path) -> None:
        self.database = database
        # The kernel's locks are of a process, and all of them go when it closes the file once: one thread at a time.
        self._thread = threading.RLock()
        self._depth = 0

    @contextmanager
    def turn(self, patience: float) -> Iterator[None]:
        """Hold the turn for the block. Inside a turn of the same thread this is nothing.

        :param patience: seconds that one and the same other writer may keep us waiting.
        :raises TransientError: it took longer; names who it was.
        """
        if not self._thread.acquire(timeout=patience):
            raise self._locked(f"another thread of this process has been writing for more than {patience:g} s")
        self._depth += 1
        try:
            place = self._wait(patience) if self._depth == 1 else None
            try:
                yield
            finally:
                if place is not None:
                    place.leave()
        finally:
            self._depth -= 1
            self._thread.release()

    def _wait(self, patience: float) -> _Place | None:
        """Our place, once it is the first; None where there is no queue to rely on: read-only media, no locks."""
        try:
            place = _Place.open(self.database.with_name(f"{self.database.name}-queue"))
        except OSError:
            return None
        try:
            if holder := place.wait(patience):
                raise self._locked(f"{holder} has been writing for more than {patience:g} s")
        except OSError:
            place.leave()
            return None
        except BaseException:
            place.leave()
            raise
        return place

    def _locked(self, why: str) -> TransientError:
        return TransientError(f"SQLite {self.database}: database is locked: {why}; try again")


_QUEUES: WeakValueDictionary[Path, WriterQueue] = WeakValueDictionary()
os.register_at_fork(after_in_child=_QUEUES.clear)  # a lock that another thread held would stay so for ever


def writer_queue(database: Path) -> WriterQueue:
    """The queue of a database file, the same one throughout this process."""
    path = database.resolve()
    return _QUEUES.setdefault(path, WriterQueue(path))


@dataclass(slots=True)
class _Place:
    """One writer's place in the queue: the open file and the locks that this process has on it.

    :param first: whether it is, or was, this writer's turn.
    """

    file: int
    first: bool = False

    @classmethod
    def open(cls, path: Path) -> Self:
        return cls(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))

    def wait(self, patience: float) -> str:
        """Draw a ticket and wait for its turn; who else is still writing when the queue has not moved for too long, or ''."""
        ticket = self._draw(patience)
        served, until = -1, 0.0
        while not self._try_lock(_TICKETS, ticket):  # every ticket before ours
            now, at_present = time.monotonic(), self._read(_SERVED)
            if at_present != served:
                served, until = at_present, now + patience
            elif now >= until:
                if holder := os.pread(self.file, _HOLDER_BYTES, _HOLDER).decode(errors="replace").strip():
                    return holder
                break  # nobody writes: whoever is before us was stopped while it waited
            time.sleep(_POLL_SECONDS * min(max(ticket - served, 1), _MOST_POLLS))
        self.first = True
        self._write(_SERVED, _NUMBER.pack(ticket) + _padded(f"process {os.getpid()} on {socket.gethostname()}"))
        return ""

    def leave(self) -> None:
        with suppress(OSError):
            if self.first:
                self._write(_HOLDER, _padded(""))
        os.close(self.file)  # and with it every lock

    def _draw(self, patience: float) -> int:
        """A number higher than any before, and a lock on its byte."""
        until = time.monotonic() + patience
        while not self._try_lock(_MACHINE, 1):  # nobody has it longer than these lines take, unless it was stopped here
            if time.monotonic() >= until:
                raise BlockingIOError
            time.sleep(_POLL_SECONDS)
        ticket = (self._read(_DRAWN) + 1) % _MOST_TICKETS
        self._write(_DRAWN, _NUMBER.pack(ticket))
        fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _TICKETS + ticket)
        fcntl.lockf(self.file, fcntl.LOCK_UN, 1, _MACHINE)
        return ticket

    def _try_lock(self, start: int, length: int) -> bool:
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES: somebody has a part of it
            return False
        return True

    def _read(self, offset: int) -> int:
        found = os.pread(self.file, _NUMBER.size, offset)
        return int(_NUMBER.unpack(found)[0]) if len(found) == _NUMBER.size else 0

    def _write(self, offset: int, content: bytes) -> None:
        os.pwrite(self.file, content, offset)


def _padded(holder: str) -> bytes:
    return holder.encode()[:_HOLDER_BYTES].ljust(_HOLDER_BYTES)
