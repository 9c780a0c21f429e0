"""Weeks held against the weeks before them, by the measure that gates use (spine.quality.robust)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spine.alerts.model import AlertSeverity
from spine.core.tiers import Tier
from spine.core.weeks import parse_date
from spine.quality.assessment.issues import Check, Issue
from spine.quality.baselines import history_of
from spine.quality.robust import (
    FEWEST_VENUES,
    FLOORS,
    MOST_MISSING_VENUES,
    MOST_SHIFT,
    History,
    median_shares,
    scatter,
    usual_range,
    usual_venues,
    venue_shifts,
)

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How usual a week is.

    :param judged: figures that could be compared with what is usual; ``unusual`` of them are not.
    :param venues_there: part of the usual venues that report; None where too few weeks are known.
    """

    judged: int
    unusual: int
    venues_there: float | None


def drift(
    tier: Tier, weeks: Sequence[dict[str, Any]], first: dt.date
) -> Iterator[tuple[dt.date, Steadiness, list[Issue]]]:
    """Each week from ``first`` on, judged by those before it.

    :param weeks: of ``read_weeks``, the newest first, with enough of them before ``first`` to compare with.
    """
    for week in weeks:
        friday = parse_date(week["week_ending"])
        if friday < first:
            return
        history = history_of(week, weeks)
        ranges = [(figure, usual_range(history, figure, floor)) for figure, floor in FLOORS.items()]
        judged = [(figure, usual) for figure, usual in ranges if usual is not None]
        found = [
            (
                figure,
                f"{week[figure]:,.0f} {figure}; usual are {usual.low:,.0f} to {usual.high:,.0f}",
                usual.explained(),
            )
            for figure, usual in judged
            if not usual.low <= float(week[figure]) <= usual.high
        ]
        there, absent = _absent(history, week)
        found += [*absent, *_shifted(history, week)]
        issues = [
            Issue(
                Check.DRIFT, AlertSeverity.WARNING, about, message, tier, friday, week["capture_id"], 1, details=baseline
            )
            for about, message, baseline in found
        ]  # fmt: skip
        yield friday, Steadiness(len(judged), len(found), there), issues


_Found = tuple[str, str, dict[str, Any]]


def _absent(history: History, week: dict[str, Any]) -> tuple[float | None, list[_Found]]:
    """The part of the usual venues that report, and what is to be said of it."""
    usual = usual_venues(history) or set()
    if len(usual) < FEWEST_VENUES:
        return None, []
    absent = sorted(usual - week["shares_by_venue"].keys())
    there = 1 - len(absent) / len(usual)
    if len(absent) <= MOST_MISSING_VENUES * len(usual):
        return there, []
    named = ", ".join(absent[:_MOST_NAMED])
    message = f"{len(absent)} of {len(usual)} usual venues do not report, such as {named}"
    return there, [("usual_venues", message, {"absent": len(absent), "usual": len(usual)})]


def _shifted(history: History, week: dict[str, Any]) -> Iterator[_Found]:
    """Venues whose part of the whole has moved far."""
    usual = median_shares(history) or {}
    if len(usual) < FEWEST_VENUES or not week["shares"]:
        return
    most = MOST_SHIFT * scatter(history)
    far = {venue: shift for venue, shift in venue_shifts(usual, week).items() if abs(shift) > most}
    if far:
        widest = sorted(far, key=lambda venue: -abs(far[venue]))[:_MOST_NAMED]
        named = ", ".join(f"{venue} {far[venue]:+.1%}" for venue in widest)
        yield "venue_shares", f"parts of the volume have moved: {named}", {venue: far[venue] for venue in widest}
