"""How far a benchmark is, and how long it still takes."""

from __future__ import annotations

import time


class Progress:
    """Lines on the terminal.

    :param total: all the work there is, in any unit.
    """

    def __init__(self, total: float) -> None:
        self._total, self._done, self._started = total, 0.0, time.monotonic()

    def advance(self, amount: float, message: str) -> None:
        """Say what was done, and when all of it will be."""
        self._done += amount
        share = min(self._done / self._total, 1.0) if self._total else 1.0
        spent = time.monotonic() - self._started
        left = _duration(spent / share - spent) if share else "?"
        print(f"[{share:4.0%}, {_duration(spent)} spent, {left} left] {message}", flush=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
