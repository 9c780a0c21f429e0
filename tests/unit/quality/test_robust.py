"""What is usual, from a few weeks: properties that hold whatever the numbers are."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spine.quality.robust import MIN_WEEKS, median_shares, usual_range, usual_venues

LEVELS = st.floats(min_value=100, max_value=1e9)


def week(
    number: int, shares: float, *, days: int = 5, venues: dict[str, float] | None = None, rows: int = 1000
) -> dict[str, Any]:
    parts = {"A": shares / 2, "B": shares / 2} if venues is None else venues
    return {
        "week_ending": f"2026-01-{number:02}", "trading_days": days, "is_thin": days < 5, "rows": rows, "symbols": 50,
        "shares": shares, "trades": 1000, "venues": len(parts), "shares_by_venue": parts,
    }  # fmt: skip


def history(*weeks: dict[str, Any], days: int = 5) -> dict[str, Any]:
    return {"trading_days": days, "is_thin": days < 5, "weeks": list(weeks)}


@given(LEVELS, st.lists(st.floats(min_value=0.9, max_value=1.1), min_size=MIN_WEEKS, max_size=26))
def test_a_week_like_the_others_is_usual_and_twice_as_much_is_not(level: float, noise: list[float]) -> None:
    usual = usual_range(history(*(week(n, level * each) for n, each in enumerate(noise))), "shares", 0.5)
    assert usual is not None
    assert usual.low <= level <= usual.high
    assert not usual.low <= 2.3 * level <= usual.high or usual.mad * 6 * 1.4826 > 1.2 * level or level < 20


@given(LEVELS, st.floats(min_value=0, max_value=1e12), st.integers(min_value=5, max_value=20))
def test_one_absurd_week_moves_nothing(level: float, absurd: float, how_many: int) -> None:
    weeks = [week(n, level) for n in range(how_many)]
    before = usual_range(history(*weeks), "shares", 0.5)
    after = usual_range(history(week(30, absurd), *weeks), "shares", 0.5)
    assert before is not None and after is not None
    assert (after.expected, after.mad) == (before.expected, before.mad)


@given(st.integers(min_value=0, max_value=MIN_WEEKS - 1), LEVELS)
def test_of_a_few_weeks_nothing_is_said(how_many: int, level: float) -> None:
    known = history(*(week(n, level) for n in range(how_many)))
    assert usual_range(known, "shares", 0.5) is None and usual_venues(known) is None and median_shares(known) is None


def test_a_week_of_four_days_is_expected_to_have_four_fifths() -> None:
    usual = usual_range(history(*(week(n, 1000) for n in range(8)), days=4), "shares", 0.5)
    assert usual is not None and usual.expected == 800 and usual.compared_with == "all weeks, a holiday week"
    assert usual.low <= 0.7 * 800 <= usual.high, "on the days around a holiday fewer people trade"


def test_holiday_weeks_are_compared_with_holiday_weeks_where_there_are_enough() -> None:
    full, thin = [week(n, 1000) for n in range(8)], [week(20 + n, 500, days=4) for n in range(MIN_WEEKS)]
    usual = usual_range(history(*full, *thin, days=4), "shares", 0.5)
    assert usual is not None and (usual.expected, usual.compared_with) == (500, "holiday weeks")
    normal = usual_range(history(*full, *thin), "shares", 0.5)
    assert normal is not None and normal.expected == 1000


def test_a_venue_is_usual_that_is_nearly_always_there() -> None:
    weeks = [week(n, 100, venues={"A": 60, "B": 40, **({"C": 1} if n % 2 else {})}) for n in range(8)]
    assert usual_venues(history(*weeks)) == {"A", "B"}
    assert median_shares(history(*weeks)) == {"A": 0.6, "B": 0.4, "C": 0.005}


def test_sums_of_small_weeks_may_scatter_more() -> None:
    large, small = (
        usual_range(history(*(week(n, 1000, rows=rows) for n in range(6))), "shares", 0.5) for rows in (5000, 250)
    )
    assert large is not None and small is not None
    assert (large.high, small.high) == (1500, 2000)
