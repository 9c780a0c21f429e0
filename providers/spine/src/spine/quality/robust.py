"""What is usual, from a few weeks: medians and median deviations, which one odd week does not move. Pure.

A history is what ``spine.quality.baselines`` reads: ``trading_days`` and ``is_thin`` of the week that is judged, and
``weeks``, the newest first, each with ``week_ending``, ``trading_days``, ``is_thin``, ``rows``, ``symbols``, ``shares``,
``trades``, ``venues`` and ``shares_by_venue``. A thin week has an NYSE holiday in it: fewer days, and fewer people on the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

History = Mapping[str, Any]

MIN_WEEKS = 4
"""With fewer weeks nothing is called unusual."""
DEVIATIONS = 6.0
"""Distance from the median, in standard deviations as the MAD estimates them, from which on a value is unusual."""
FLOORS: Mapping[str, float] = {"rows": 0.35, "symbols": 0.25, "shares": 0.5, "trades": 0.5, "venues": 0.25}
"""How far from its median a figure may always be, as a part of it. Half for volume is the platform's."""
MOST_MISSING_VENUES = 0.2
"""Part of the usual venues that may be absent (the platform's VENUE_DROP)."""
MOST_SHIFT = 0.10
"""How far a venue's part of the volume may be from its median (the platform's 10 percentage points)."""
FEWEST_VENUES = 4
"""With fewer venues single ones move the whole."""
THIN_FACTOR = 1.5
"""A thin week may be so much further from the median of all weeks."""
_ENOUGH_ROWS = 1000
"""With fewer rows in a week single ones move its sums: what is allowed grows with one over the root of their number."""
MAD_TO_SIGMA = 1.4826  # of a normal distribution
_LEAST_DISTANCE = 10.0  # whatever the median: of small counts a few more or less say nothing
_PER_DAY = ("shares", "trades")  # what grows with the days of a week; rows, symbols and venues hardly do
_OFTEN = 0.75  # a usual venue was there in so many of the weeks


@dataclass(frozen=True, slots=True)
class UsualRange:
    """Where a figure of this week should lie, and why.

    :param expected: the median, for as many days as the week has.
    :param mad: median absolute deviation, in the same unit.
    :param weeks: that were compared with, the newest first.
    """

    expected: float
    low: float
    high: float
    mad: float
    floor: float
    weeks: tuple[str, ...]
    compared_with: str

    def explained(self) -> dict[str, Any]:
        return {
            "median": round(self.expected, 3),
            "mad": round(self.mad, 3),
            "floor": self.floor,
            "deviations": DEVIATIONS,
            "weeks": list(self.weeks),
            "compared_with": self.compared_with,
        }


def usual_range(history: History, figure: str, floor: float) -> UsualRange | None:
    """The range of a figure; None when too few weeks are known.

    A thin week is compared with thin ones where there are enough of them, else with all weeks and more generously.

    :param floor: always allowed distance from the median, as a part of it.
    """
    weeks, what, factor = _comparable(history)
    if len(weeks) < MIN_WEEKS:
        return None
    days = float(history["trading_days"])
    values = [_scaled(week, figure, days) for week in weeks]
    expected = median(values)
    mad = median(abs(value - expected) for value in values)
    factor *= scatter(history) if figure in _PER_DAY else 1.0
    distance = max(floor * expected * factor, DEVIATIONS * MAD_TO_SIGMA * mad, _LEAST_DISTANCE)
    names = tuple(str(week["week_ending"]) for week in weeks)
    return UsualRange(expected, max(expected - distance, 0.0), expected + distance, mad, floor * factor, names, what)


def scatter(history: History) -> float:
    """How much more sums of a small week scatter than those of one with _ENOUGH_ROWS: 1 for larger ones."""
    rows = [float(week["rows"]) for week in history.get("weeks", [])]
    return max(1.0, math.sqrt(_ENOUGH_ROWS / max(median(rows), 1.0))) if rows else 1.0


def _comparable(history: History) -> tuple[Sequence[Mapping[str, Any]], str, float]:
    weeks = history.get("weeks", [])
    thin = [week for week in weeks if week["is_thin"]]
    full = [week for week in weeks if not week["is_thin"]]
    if not history.get("is_thin"):
        return (full, "full weeks", 1.0) if len(full) >= MIN_WEEKS else (weeks, "all weeks", THIN_FACTOR)
    return (thin, "holiday weeks", 1.0) if len(thin) >= MIN_WEEKS else (weeks, "all weeks, a holiday week", THIN_FACTOR)


def _scaled(week: Mapping[str, Any], figure: str, days: float) -> float:
    """A week's figure as it would be in a week of so many trading days."""
    value = float(week[figure])
    return value * days / week["trading_days"] if figure in _PER_DAY and week["trading_days"] else value


def usual_venues(history: History) -> set[str] | None:
    """The venues that were there in most weeks; None when too few weeks are known."""
    weeks = history.get("weeks", [])
    if len(weeks) < MIN_WEEKS:
        return None
    known = {venue for week in weeks for venue in week["shares_by_venue"]}
    return {venue for venue in known if sum(venue in week["shares_by_venue"] for week in weeks) >= _OFTEN * len(weeks)}


def median_shares(history: History) -> dict[str, float] | None:
    """Each venue's median part of the shares, 0 to 1; None when too few weeks are known."""
    weeks = [week for week in history.get("weeks", []) if week["shares"]]
    if len(weeks) < MIN_WEEKS:
        return None
    known = {venue for week in weeks for venue in week["shares_by_venue"]}
    return {
        venue: median(week["shares_by_venue"].get(venue, 0.0) / week["shares"] for week in weeks) for venue in known
    }


def venue_shifts(usual: Mapping[str, float], week: Mapping[str, Any]) -> dict[str, float]:
    """How far each venue's part of a week's shares is from what is usual.

    :param usual: ``median_shares`` of the weeks before.
    :param week: with ``shares``, not 0, and ``shares_by_venue``.
    """
    now: Mapping[str, float] = week["shares_by_venue"]
    return {venue: now.get(venue, 0.0) / week["shares"] - usual.get(venue, 0.0) for venue in usual.keys() | now.keys()}
