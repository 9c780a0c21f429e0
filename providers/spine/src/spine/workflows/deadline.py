"""A time limit on Python code of this process's main thread."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from spine.core.errors import DeadlineExceeded


@contextmanager
def deadline(seconds: float | None, what: str) -> Iterator[None]:
    """Raise in the block when it takes longer. Elsewhere than in the main thread nothing can interrupt it: no limit there.

    :raises DeadlineExceeded: naming ``what``.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(number: int, frame: FrameType | None) -> None:
        raise DeadlineExceeded(f"step '{what}' took longer than its timeout of {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
