"""Trading weeks and when FINRA publishes them.

A week is named by its Friday (``week_ending``), also when that Friday is closed. FINRA names it by its Monday.
Publication (FINRA Regulatory Notice 19-29, checked against 496 recorded weeks): the first NYSE session on or after
Monday + 21 days for T1, Monday + 35 days for T2 and OTCE.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

from spine.core.errors import ValidationError
from spine.core.tiers import Tier

NEW_YORK = ZoneInfo("America/New_York")
PUBLICATION_LAG = {Tier.T1: dt.timedelta(days=21), Tier.T2: dt.timedelta(days=35), Tier.OTCE: dt.timedelta(days=35)}
PUBLICATION_TIME = dt.time(6, 0)  # Eastern; FINRA's file specification: not earlier than 6:00 AM ET
_WEEK = dt.timedelta(days=7)
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ]|$)")
_YEARS = range(2000, 2100)
_FRIDAY = 4


def parse_date(text: object, what: str = "date") -> dt.date:
    """An ISO ``YYYY-MM-DD`` date, also with a time behind it.

    :raises ValidationError: for any other form or an impossible date, naming ``what``.
    """
    if isinstance(text, dt.datetime):
        return text.date()
    if isinstance(text, dt.date):
        return text
    try:
        if not _ISO_DATE.match(str(text)):  # the standard library would also take 20260102 and 2026-W01-5
            raise ValueError(text)
        return dt.datetime.fromisoformat(str(text)).date()
    except ValueError:
        raise ValidationError(f"{what} {text!r} is not a date; expected YYYY-MM-DD") from None


def parse_week_ending(text: object) -> dt.date:
    """A week-ending Friday.

    :raises ValidationError: for another weekday, naming the Friday of that week; for a year that must be a slip.
    """
    day = parse_date(text, "week_ending")
    if day.year not in _YEARS:
        raise ValidationError(f"week_ending {day} is not in the years {_YEARS[0]} to {_YEARS[-1]}")
    if day.weekday() != _FRIDAY:
        raise ValidationError(
            f"week_ending {day} is a {day:%A}, and weeks end on a Friday; did you mean {friday_of(day)}?",
            context={"week_ending": day},
        )
    return day


def friday_of(day: dt.date) -> dt.date:
    """The Friday of the Monday-to-Sunday week that holds ``day``."""
    return day + dt.timedelta(days=_FRIDAY - day.weekday())


def monday_of(week_ending: dt.date) -> dt.date:
    """FINRA's ``weekStartDate``."""
    return week_ending - dt.timedelta(days=_FRIDAY)


def window(week_ending: dt.date, weeks: int) -> list[dt.date]:
    """``weeks`` consecutive Fridays, oldest first, the last one being ``week_ending``."""
    return [week_ending - _WEEK * back for back in reversed(range(weeks))]


@lru_cache
def _holidays(year: int) -> frozenset[dt.date]:
    import holidays  # imported late: it costs more than a DAG file may spend on parsing

    return frozenset(holidays.financial_holidays("NYSE", years=year))


def is_session(day: dt.date) -> bool:
    """Whether the NYSE trades on ``day``."""
    return day.weekday() <= _FRIDAY and day not in _holidays(day.year)


def sessions_of(week_ending: dt.date) -> list[dt.date]:
    """The trading days of a week, oldest first."""
    days = (monday_of(week_ending) + dt.timedelta(days=n) for n in range(5))
    return [day for day in days if is_session(day)]


def published_on(tier: Tier, week_ending: dt.date) -> dt.date:
    """The day FINRA first publishes a week of a tier."""
    day = monday_of(week_ending) + PUBLICATION_LAG[tier]
    while not is_session(day):
        day += dt.timedelta(days=1)
    return day


def published_at(tier: Tier, week_ending: dt.date) -> dt.datetime:
    """The earliest instant a week can be there: 6:00 New York time on its publication day (timezone-aware)."""
    return dt.datetime.combine(published_on(tier, week_ending), PUBLICATION_TIME, NEW_YORK)


def week_published_on(tier: Tier, day: dt.date) -> dt.date | None:
    """The week that FINRA first publishes on ``day``, or None when it publishes none of that tier then."""
    for back in range(5):  # a holiday Monday moves the publication to a later day of that week
        monday = day - dt.timedelta(days=back) - PUBLICATION_LAG[tier]
        week_ending = monday + dt.timedelta(days=_FRIDAY)
        if monday.weekday() == 0 and published_on(tier, week_ending) == day:
            return week_ending
    return None


def newest_published(tier: Tier, now: dt.datetime) -> dt.date:
    """The newest week of a tier that is published at ``now`` (timezone-aware)."""
    week_ending = friday_of(now.astimezone(NEW_YORK).date() - PUBLICATION_LAG[tier])
    while published_at(tier, week_ending) > now:
        week_ending -= _WEEK
    return week_ending


def require_published(tier: Tier, week_ending: dt.date, now: dt.datetime) -> None:
    """Refuse a week that FINRA cannot have published yet.

    :raises ValidationError: naming the publication instant and the newest week that is out.
    """
    out = published_at(tier, week_ending)
    if out > now:
        raise ValidationError(
            f"week ending {week_ending} of {tier} is not published yet: FINRA publishes it on {out:%Y-%m-%d %H:%M %Z}; "
            f"the newest week out is {newest_published(tier, now)}",
            context={"tier": tier, "week_ending": week_ending},
        )
