"""The simulator's time: real time moved by a constant, which a test may change."""

from __future__ import annotations

import datetime as dt


class SimulatorClock:
    """Publications, restatements, tokens and result links go by it; rate limits go by real time."""

    def __init__(self, start: dt.datetime | None = None) -> None:
        self._ahead = dt.timedelta(0)
        if start is not None:
            self.move_to(start)

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self._ahead

    def move_to(self, instant: dt.datetime) -> None:
        self._ahead = instant - dt.datetime.now(dt.UTC)

    def advance(self, by: dt.timedelta) -> None:
        self._ahead += by
