"""FINRA's request limits, kept by all processes of this machine together.

Synchronous requests count per address (1,200 a minute), asynchronous ones per account and dataset (20 a minute); older
pages of FINRA say 20 a second and 20 an hour. Over it FINRA answers 429.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spine.core.errors import ConfigurationError

try:
    import fcntl
except ImportError:  # a system without file locks limits each process by itself
    fcntl = None  # type: ignore[assignment]

_log = logging.getLogger(__name__)
_STAMP = struct.Struct("<d")
_FARTHEST = 3600.0  # a mark further ahead comes from a clock that was set back


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``per_minute`` requests in any minute, ``burst`` of them at once."""

    per_minute: int
    burst: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.burst < max(self.per_minute, 2) and self.per_minute >= 1):
            raise ConfigurationError(
                f"a limit of {self.per_minute} requests a minute with bursts of {self.burst} cannot be kept; "
                "expected at least 1 a minute, and bursts smaller than that"
            )

    def at(self, per_minute: int | None) -> RateLimit:
        """The same kind of limit at another rate; None changes nothing."""
        if per_minute is None:
            return self
        return RateLimit(per_minute, max(1, min(self.burst, per_minute // 2)))

    @property
    def interval(self) -> float:
        """Seconds between requests in the long run; slow enough that a burst and a minute of it stay in the limit."""
        return 60.0 / max(self.per_minute - self.burst, 1)


SYNC_LIMIT = RateLimit(per_minute=1200, burst=20)
ASYNC_LIMIT = RateLimit(per_minute=20, burst=4)


@dataclass(slots=True)
class MarkValue:
    """When the bucket is full again, in seconds of the clock."""

    seconds: float


class MemoryMark:
    """For the threads of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = MarkValue(0.0)

    @contextmanager
    def locked(self) -> Iterator[MarkValue]:
        with self._lock:
            yield self._value


_marks: defaultdict[str, MemoryMark] = defaultdict(MemoryMark)


class FileMark:
    """For every process that shares a folder; the lock dies with its process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.touch(mode=0o600)

    @contextmanager
    def locked(self) -> Iterator[MarkValue]:
        with self._path.open("r+b") as file:  # a file of its own for each call, so that threads exclude each other too
            fcntl.flock(file, fcntl.LOCK_EX)
            stored = file.read(_STAMP.size)
            value = MarkValue(_STAMP.unpack(stored)[0] if len(stored) == _STAMP.size else 0.0)
            yield value
            file.seek(0)
            file.write(_STAMP.pack(value.seconds))


class Limiter:
    """A token bucket in the form of one number (GCRA): who asks reserves the next free moment and sleeps until then."""

    def __init__(
        self,
        limit: RateLimit,
        mark: FileMark | MemoryMark,
        *,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._limit = limit
        self._mark = mark
        self._sleep = sleep
        self._clock = clock

    def acquire(self) -> None:
        """Return when a request may be sent."""
        interval = self._limit.interval
        with self._mark.locked() as mark:
            now = self._clock()
            # Also false for not-a-number, which a torn or foreign file may hold.
            full_at = mark.seconds if now <= mark.seconds <= now + _FARTHEST else now
            mark.seconds = full_at + interval
        wait = full_at - now - interval * (self._limit.burst - 1)
        if wait > 0:
            self._sleep(wait)


class Limiters:
    """Limiters by what they count.

    :param folder: shared by the processes that the limit counts together; None keeps it within this process.
    """

    def __init__(self, folder: Path | None = None, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._folder = _usable(folder)
        self._sleep = sleep
        self._made: dict[str, Limiter] = {}
        self._lock = threading.Lock()

    def get(self, key: str, limit: RateLimit) -> Limiter:
        with self._lock:
            if key not in self._made:
                self._made[key] = Limiter(limit, self._mark(key), sleep=self._sleep)
            return self._made[key]

    def _mark(self, key: str) -> FileMark | MemoryMark:
        if self._folder is None:
            return _marks[key]  # of all clients in this process
        name = hashlib.sha256(key.encode()).hexdigest()[:16]  # keys hold hosts and client ids
        return FileMark(self._folder / f"{name}.mark")


def machine_folder() -> Path:
    """Where this user's processes on this machine meet."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"spine-finra-{user}"


def _usable(folder: Path | None) -> Path | None:
    """The folder, made if need be; None where nobody but this process can be counted."""
    if folder is None or fcntl is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to someone else")
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        _log.warning("FINRA's request limit is kept by this process alone: %s", error)
        return None
