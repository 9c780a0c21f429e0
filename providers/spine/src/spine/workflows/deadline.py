"""A time limit on Python code of this process's main thread."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from spine.core.errors import DeadlineExceeded


@contextmanager
def deadline(seconds: float | None, what: str) -> Iterator[None]:
    """Raise in the block when it takes longer. Elsewhere than in the main thread nothing can interrupt it: no limit there.

    :raises DeadlineExceeded: naming ``what``.
    """
    around = signal.getitimer(signal.ITIMER_REAL)[0]  # of a step around this one, or of Airflow; there is one timer
    if seconds is None or threading.current_thread() is not threading.main_thread() or 0 < around <= seconds:
        yield
        return

    def late(number: int, frame: FrameType | None) -> None:
        raise DeadlineExceeded(f"step '{what}' took longer than its timeout of {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    started = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if around:
            signal.setitimer(signal.ITIMER_REAL, max(around - (time.monotonic() - started), 1e-6))
