"""One writer per partition. A lease has an end and a fencing token that only ever grows.

A run checks its token inside the transaction that publishes: whoever lost the lease meanwhile (a stopped machine that
woke up again) rolls back, however late. A lease whose process is dead on this machine is taken over at once, and so is
one of this process that nobody in it knows: the answer to its taking, or its return, was lost on the way.

While the block runs a thread puts the lease's end off, so that it may take as long as it needs; a process that is stopped
puts off nothing. On SQLite a renewal waits while a transaction writes, be it the run's own: nobody can take the lease over
meanwhile either, for that is a write too.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from spine.core.errors import LeaseHeld, LoadError, SpineError, TransientError
from spine.storage.base import Session, Storage
from spine.storage.heartbeat import Pause, heartbeat

LEASE_SECONDS = 300.0
_RENEW_SECONDS, _RENEW_AGAIN_SECONDS = 100.0, 10.0  # after a renewal, and after one that failed
_POLL_SECONDS = 0.5
_FIND = "SELECT owner, fencing_token FROM core_concurrency_locks WHERE lock_key = :key"
_RELEASE = "UPDATE core_concurrency_locks SET expires_at = acquired_at WHERE lock_key = :key AND fencing_token = :token"
_numbers = count(1)
_alive: set[str] = set()
"""Owners of this process that hold a lease, or are about to."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to publish one partition, as long as nobody took it over."""

    key: str
    token: int
    owner: str

    def confirm(self, session: Session) -> None:
        """Lock the lease row for this transaction and prove that it is still ours.

        :raises LeaseHeld: another run took the partition over; roll back.
        """
        held = session.execute(
            "UPDATE core_concurrency_locks SET owner = :owner WHERE lock_key = :key AND fencing_token = :token",
            {"owner": self.owner, "key": self.key, "token": self.token},
        )
        if held != 1:
            raise LeaseHeld(
                f"another run took over {self.key} while this one worked; nothing was published by this one"
            )


@contextmanager
def lease(
    storage: Storage,
    key: str,
    execution_id: str,
    *,
    clock: Callable[[], dt.datetime],
    wait: float = 60.0,
    sleep: Callable[[float], None] = time.sleep,
    pause: Pause = threading.Event.wait,
) -> Iterator[Lease]:
    """Hold ``key`` for the block, waiting up to ``wait`` seconds for another holder.

    :param pause: how the thread that renews the lease waits between two renewals.
    :raises LeaseHeld: still held by another run after that (retryable).
    """
    deadline = time.monotonic() + wait
    with _owner() as owner:
        while (taken := _take_or_none(storage, key, execution_id, owner, clock())) is None:
            if time.monotonic() >= deadline:
                raise LeaseHeld(f"{key} is held by {_holder(storage, key)}; waited {wait:.0f} s", retry_after=30.0)
            sleep(_POLL_SECONDS)
        try:
            with heartbeat(lambda: _renew(storage, taken, clock()), _RENEW_SECONDS, pause):
                yield taken
        finally:
            with suppress(SpineError):  # it ends by itself, and an error of the block must not hide behind this one
                storage.execute(_RELEASE, {"key": key, "token": taken.token})


@contextmanager
def _owner() -> Iterator[str]:
    """A name of this process for one lease."""
    name = f"{_this_process()}:{next(_numbers)}"
    _alive.add(name)
    try:
        yield name
    finally:
        _alive.discard(name)


def _take_or_none(storage: Storage, key: str, execution_id: str, owner: str, now: dt.datetime) -> Lease | None:
    try:
        return _try_take(storage, key, execution_id, owner, now)
    except TransientError:  # on SQLite another run's long write: as good a reason to wait as a lease
        return None


def _try_take(storage: Storage, key: str, execution_id: str, owner: str, now: dt.datetime) -> Lease | None:
    values = {
        "key": key,
        "execution_id": execution_id,
        "owner": owner,
        "now": now,
        "expires_at": now + dt.timedelta(seconds=LEASE_SECONDS),
    }
    with storage.transaction() as session:
        if (found := session.query(_FIND, values).first) is not None:
            # The token in the WHERE makes this a compare-and-swap: of two that read the same row, one wins.
            won = session.execute(
                "UPDATE core_concurrency_locks SET execution_id = :execution_id, owner = :owner, acquired_at = :now, "
                "expires_at = :expires_at, fencing_token = fencing_token + 1 "
                "WHERE lock_key = :key AND fencing_token = :token AND (expires_at <= :now OR :abandoned = 1)",
                {**values, "token": found["fencing_token"], "abandoned": int(_is_abandoned(found["owner"]))},
            )
    if found is None:
        _make_row(storage, values)
        return _try_take(storage, key, execution_id, owner, now)
    return Lease(key, int(found["fencing_token"]) + 1, owner) if won == 1 else None


def _renew(storage: Storage, held: Lease, now: dt.datetime) -> float | None:
    """Put the end off; in how many seconds to do so again, None when another run has it."""
    try:
        ours = storage.execute(
            "UPDATE core_concurrency_locks SET expires_at = :until WHERE lock_key = :key AND fencing_token = :token",
            {"until": now + dt.timedelta(seconds=LEASE_SECONDS), "key": held.key, "token": held.token},
        )
    except SpineError:  # the database is busy or away: the run will notice, where it matters
        return _RENEW_AGAIN_SECONDS
    return _RENEW_SECONDS if ours else None


def _make_row(storage: Storage, values: Mapping[str, Any]) -> None:
    """A lease that has ended, for a key that has none yet."""
    with suppress(LoadError):  # another run made it just now
        storage.execute(
            "INSERT INTO core_concurrency_locks (lock_key, execution_id, owner, fencing_token, acquired_at, expires_at) "
            "VALUES (:key, '', '', 0, :now, :now)",
            values,
        )


def _holder(storage: Storage, key: str) -> str:
    found = storage.query(
        "SELECT execution_id, owner, expires_at FROM core_concurrency_locks WHERE lock_key = :key", {"key": key}
    ).first
    return f"run {found['execution_id']} ({found['owner']}) until {found['expires_at']}" if found else "nobody"


def _this_process() -> str:
    return f"{_machine()}:{os.getpid()}:{_started(os.getpid())}"


def _machine() -> str:
    """Where a pid means one process: containers may share a host name, and each counts its own pids."""
    try:
        return f"{socket.gethostname()}/{Path('/proc/self/ns/pid').readlink().name}".replace(":", "")
    except OSError:
        return socket.gethostname()


def _is_abandoned(owner: str) -> bool:
    """Whether nobody works under that name any more; unknown counts as alive."""
    process = owner.rpartition(":")[0]
    return owner not in _alive if process == _this_process() else _is_dead(process)


def _is_dead(process: str) -> bool:
    """Whether it was a process of this machine that runs no more."""
    host, _, rest = process.rpartition(":")[0].partition(":")
    if host != _machine() or not rest.isdigit() or not Path("/proc").is_dir():
        return False
    started = _started(int(rest))
    return started == "" or f"{host}:{rest}:{started}" != process


def _started(pid: int) -> str:
    """The process's start time in clock ticks (so that a reused pid is told apart), or '' when it does not run."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]  # a zombie is dead, only its parent has not noticed
