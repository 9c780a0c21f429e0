"""Long work says how far it is: rows, rows per second, share of the source, time left."""

from __future__ import annotations

import logging
import time

_EVERY_SECONDS = 5.0


class Progress:
    """Log lines every few seconds.

    :param total_bytes: size of the source, 0 when unknown.
    """

    def __init__(self, log: logging.Logger, what: str, total_bytes: int = 0) -> None:
        self._log, self._what, self._total = log, what, total_bytes
        self._start = self._told = time.monotonic()
        self._rows = 0

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._start, 3)

    def advance(self, rows: int, bytes_read: int) -> None:
        """Count rows, and tell when it is time to."""
        self._rows += rows
        now = time.monotonic()
        if now - self._told < _EVERY_SECONDS:
            return
        self._told = now
        spent = now - self._start
        share = min(bytes_read / self._total, 1.0) if self._total else 0.0
        left = f", {share:.0%}, about {spent / share - spent:.0f} s left" if share else ""
        self._log.info("%s: %s rows, %.0f rows/s%s", self._what, f"{self._rows:,}", self._rows / spent, left)
