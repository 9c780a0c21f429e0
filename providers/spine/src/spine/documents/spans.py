"""Spans of time as people write them: ``90s``, ``10m``, ``2h``, ``1d``, or seconds."""

from __future__ import annotations

import re
from typing import Any

DURATION = r"^[0-9]+(\.[0-9]+)?[smhd]$"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 366 * 86_400


def parse_duration(value: Any) -> float | None:
    """Seconds, or None when the value is no span above zero and of at most a year."""
    if isinstance(value, str) and re.match(DURATION, value):
        value = float(value[:-1]) * _UNITS[value[-1]]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _LONGEST:
        return None
    return float(value)


def as_span(seconds: float) -> str | int | float:
    """The shortest way to write it: ``600.0`` is ``10m``."""
    for unit in ("d", "h", "m"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return int(seconds) if seconds.is_integer() else seconds
