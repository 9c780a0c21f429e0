"""Expectations that compare a week with the weeks before it. What is usual is measured, never set: see robust.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from spine.quality.expectations.base import JSON, SpineExpectation, weeks_with
from spine.quality.robust import (
    FEWEST_VENUES,
    FLOORS,
    MIN_WEEKS,
    MOST_MISSING_VENUES,
    MOST_SHIFT,
    median_shares,
    scatter,
    usual_range,
    usual_venues,
    venue_shifts,
)

_MOST_NAMED = 10


class ExpectLevelLikeHistory(SpineExpectation):
    """Expect a figure of the week near the median of the last weeks, per trading day.

    :param figure: rows, symbols, shares, trades or venues.
    :param floor: always allowed distance from the median, as a part of it; default by figure.
    """

    figure: Literal["rows", "symbols", "shares", "trades", "venues"]
    floor: float | None = None
    history: JSON = {}  # noqa: RUF012 - a field of pydantic's, which copies it

    needs_history: ClassVar[bool] = True
    metric_dependencies: ClassVar[tuple[str, ...]] = ("spine.figures",)
    success_keys: ClassVar[tuple[str, ...]] = ("figure", "floor", "history")

    @classmethod
    def of_history(cls, history: Mapping[str, Any], args: Mapping[str, Any]) -> JSON:
        return weeks_with(history, *([args["figure"]] if args.get("figure") in FLOORS else ()))

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        floor = FLOORS[self.figure] if self.floor is None else self.floor
        value = float(metrics["spine.figures"][self.figure])
        usual = usual_range(self.history, self.figure, floor)
        if usual is None:
            weeks = len(self.history.get("weeks", []))
            observed = f"{value:,.0f} {self.figure}; too little history: {weeks} weeks"
            return {"success": True, "observed": observed, "expected": f"judged from {MIN_WEEKS} earlier weeks on"}
        change = value / usual.expected - 1 if usual.expected else 0.0
        return {
            "success": usual.low <= value <= usual.high,
            "observed": f"{value:,.0f} {self.figure}, {change:+.0%} of what is usual",
            "expected": f"{usual.low:,.0f} to {usual.high:,.0f}",
            "baseline": usual.explained(),
        }


class ExpectUsualVenues(SpineExpectation):
    """Expect most of the venues that report every week.

    :param max_missing: part of the usual venues that may be absent, 0 to 1 (the platform's VENUE_DROP: 20 %).
    :param min_venues: fewer usual venues are too few to tell.
    """

    max_missing: float = MOST_MISSING_VENUES
    min_venues: int = FEWEST_VENUES
    history: JSON = {}  # noqa: RUF012 - a field of pydantic's, which copies it

    needs_history: ClassVar[bool] = True
    metric_dependencies: ClassVar[tuple[str, ...]] = ("spine.figures",)
    success_keys: ClassVar[tuple[str, ...]] = ("max_missing", "min_venues", "history")

    @classmethod
    def of_history(cls, history: Mapping[str, Any], args: Mapping[str, Any]) -> JSON:
        return {"weeks": len(history["weeks"]), "usual": sorted(usual_venues(history) or ())}

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        usual = set(self.history.get("usual", ()))
        expected = f"at most {self.max_missing:.0%} of the usual venues missing"
        if len(usual) < self.min_venues:
            return {"success": True, "observed": "too little history", "expected": expected}
        missing = sorted(usual - metrics["spine.figures"]["shares_by_venue"].keys())
        named = ", ".join(missing[:_MOST_NAMED])
        return {
            "success": len(missing) <= self.max_missing * len(usual),
            "observed": f"{len(missing)} of {len(usual)} usual venues missing{': ' if missing else ''}{named}",
            "expected": expected,
            "baseline": {"usual_venues": len(usual), "weeks": self.history["weeks"]},
            "affected": len(missing),
        }


class ExpectSteadyVenueShares(SpineExpectation):
    """Expect no venue's part of the shares to be far from its median over the last weeks.

    :param max_shift: largest distance, in parts of the whole (the platform's: 10 percentage points); in small weeks more.
    :param min_venues: with fewer venues single ones move the whole.
    """

    max_shift: float = MOST_SHIFT
    min_venues: int = FEWEST_VENUES
    history: JSON = {}  # noqa: RUF012 - a field of pydantic's, which copies it

    needs_history: ClassVar[bool] = True
    metric_dependencies: ClassVar[tuple[str, ...]] = ("spine.figures",)
    success_keys: ClassVar[tuple[str, ...]] = ("max_shift", "min_venues", "history")

    @classmethod
    def of_history(cls, history: Mapping[str, Any], args: Mapping[str, Any]) -> JSON:
        return {"shares": median_shares(history) or {}, "scatter": scatter(history)}

    def verdict(self, metrics: Mapping[str, Any]) -> JSON:
        now, usual = metrics["spine.figures"], self.history.get("shares", {})
        most = self.max_shift * float(self.history.get("scatter", 1.0))
        expected = f"every venue within {most:.0%} of the whole from its median"
        if len(usual) < self.min_venues or not now["shares"]:
            return {"success": True, "observed": "too little history", "expected": expected}
        shifts = venue_shifts(usual, now)
        far = sorted((venue for venue in shifts if abs(shifts[venue]) > most), key=lambda each: -abs(shifts[each]))
        widest = max(shifts, key=lambda each: (abs(shifts[each]), each))
        return {
            "success": not far,
            "observed": ", ".join(f"{venue} {shifts[venue]:+.1%}" for venue in (far or [widest])[:_MOST_NAMED]),
            "expected": expected,
            "baseline": {venue: round(usual.get(venue, 0.0), 4) for venue in (far or [widest])[:_MOST_NAMED]},
            "affected": len(far),
        }
