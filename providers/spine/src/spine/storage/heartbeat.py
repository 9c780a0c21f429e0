"""Something that is done again and again beside a block of work, in a thread of its own, until the block ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Pause = Callable[[threading.Event, float], bool]
"""Wait so many seconds, or until the event is set; whether it is."""


@contextmanager
def heartbeat(beat: Callable[[], float | None], first: float, pause: Pause = threading.Event.wait) -> Iterator[None]:
    """Call ``beat`` after ``first`` seconds, then after as many as it answered, until it answers None.

    ``beat`` raises nothing. The block's end waits for one that is under way.
    """
    ended = threading.Event()

    def work() -> None:
        seconds: float | None = first
        while seconds is not None and not pause(ended, seconds):
            seconds = beat()

    thread = threading.Thread(target=work, name="spine-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
