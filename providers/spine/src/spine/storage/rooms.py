"""Room for weeks before they come: a run that needs none made needs no right to make it."""

from __future__ import annotations

import datetime as dt

from spine.core.weeks import parse_date
from spine.storage.base import Storage


def make_rooms(storage: Storage, table: str, today: dt.date) -> None:
    """Room in ``table`` for every year from the oldest week that is there, or from this one, through the next."""
    oldest = storage.query("SELECT MIN(week_ending) AS oldest FROM core_captures").scalar
    first = min(parse_date(oldest), today) if oldest else today
    for year in range(first.year, today.year + 2):
        storage.room_for(table, dt.date(year, 1, 1))
