"""When to try a request again, and how long to wait before."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from spine.core.errors import DeadlineExceeded

Sleep = Callable[[float], object]
Random = Callable[[], float]  # from 0 up to 1


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter, never shorter than what the server asked for.

    :param attempts: tries of one request.
    :param total_seconds: waiting allowed in one operation, all its requests and threads together.
    :param longest_asked: a longer Retry-After counts as this.
    """

    attempts: int = 6
    total_seconds: float = 300.0
    base_seconds: float = 1.0
    longest_backoff: float = 30.0
    longest_asked: float = 120.0

    def wait(self, attempt: int, asked: float | None, jitter: float) -> float:
        """Seconds to wait after the failed ``attempt`` (1-based)."""
        backoff = min(self.longest_backoff, self.base_seconds * 2.0 ** min(attempt - 1, 30))
        return max(jitter * backoff, min(asked or 0.0, self.longest_asked))


class RetryBudget:
    """What one operation may still spend on waiting. Shared by the threads that work on it."""

    def __init__(self, policy: RetryPolicy, sleep: Sleep | None = None, jitter: Random = random.random) -> None:
        self._policy = policy
        self._cancelled = threading.Event()
        self._sleep = sleep or self._cancelled.wait
        self._jitter = jitter
        self._left = policy.total_seconds
        self._lock = threading.Lock()

    def wait(self, attempt: int, asked: float | None = None) -> bool:
        """Wait before the next attempt; False, at once, when there is to be none."""
        seconds = self._policy.wait(attempt, asked, self._jitter())
        with self._lock:
            if attempt >= self._policy.attempts or seconds > self._left:
                return False
            self._left -= seconds
        self._sleep(seconds)
        return not self._cancelled.is_set()

    def cancel(self) -> None:
        """Another thread of the operation failed for good: wait no more."""
        with self._lock:
            self._left = -1.0
        self._cancelled.set()


@dataclass(slots=True)
class Deadline:
    """An instant on a monotonic clock."""

    seconds: float
    clock: Callable[[], float]
    what: str
    _end: float = 0.0

    def __post_init__(self) -> None:
        self._end = self.clock() + self.seconds

    def check(self) -> None:
        """:raises DeadlineExceeded: it has passed."""
        if self.clock() > self._end:
            raise DeadlineExceeded(f"{self.what} took longer than {self.seconds:g} s")


def retry_after_seconds(header: str, now: dt.datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks for: a number or an HTTP date (RFC 9110, 10.2.3).

    None for one that says neither, or nothing. The policy decides how much of it is believed.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return max(0.0, (aware - now).total_seconds())
