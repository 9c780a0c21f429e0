"""In what the databases differ on purpose: all of it. What is not named here is the same on each (docs/databases.md)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from spine.storage.base import Storage


@dataclass(frozen=True, slots=True)
class Differences:
    """
    :param has_dates: dates and instants are values of their own; otherwise ISO text.
    :param exact: every quantity is; otherwise it is the nearest double, exact where that is a whole number.
    :param small_integers: ``integer`` columns end at 32 bits; otherwise at 64.
    :param bytes_of_text: how much a ``text`` column takes, None for any length; ``bytes_of_code`` likewise.
    :param pads: text equals itself with blanks at its end.
    :param writers_meet: two writers of one table work at once, see each other's commits and may deadlock; otherwise they
        take turns from the start.
    :param readers_wait: for writers of the same rows. Of Apache Derby, which stands in for Db2, not of Db2.
    :param days_that_are_none: a first and a last one that are not kept; Derby's likewise.
    """

    has_dates: bool = True
    exact: bool = True
    small_integers: bool = True
    bytes_of_text: int | None = None
    bytes_of_code: int | None = None
    pads: bool = False
    writers_meet: bool = True
    readers_wait: bool = False
    days_that_are_none: tuple[dt.date, dt.date] | None = None


_BY_NAME = {
    "sqlite": Differences(has_dates=False, exact=False, small_integers=False, writers_meet=False),
    "postgres": Differences(),
    "db2": Differences(
        bytes_of_text=4000,
        bytes_of_code=255,
        pads=True,
        readers_wait=True,
        # Java's calendar is Julian before them.
        days_that_are_none=(dt.date(1582, 10, 5), dt.date(1582, 10, 14)),
    ),
}


def differences(storage: Storage) -> Differences:
    return _BY_NAME[storage.dialect.name]


def as_stored(storage: Storage, value: Any) -> Any:
    """What comes back for a value that went in."""
    known = differences(storage)
    if isinstance(value, dt.datetime):
        in_utc = value.astimezone(dt.UTC)
        return in_utc if known.has_dates else in_utc.isoformat(timespec="microseconds")
    if isinstance(value, dt.date):
        return value if known.has_dates else value.isoformat()
    if isinstance(value, Decimal) and not known.exact:
        return int(value) if value == int(value) and abs(value) <= 2**53 else float(value)
    return value
