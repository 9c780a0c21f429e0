"""Publication days as FINRA recorded them, and who is late when a week is not there."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from spine.core.errors import ValidationError
from spine.core.publication import GRACE, UNKNOWN_GRACE, PublicationState, parse_publication_time, publication_state
from spine.core.tiers import Tier
from spine.core.weeks import friday_of, newest_published, published_at, published_on, week_published_on

WEEK = dt.date(2026, 10, 30)
OUT = published_at(Tier.T1, WEEK)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(scope="module")
def recorded(finra_data: Path) -> list[tuple[dt.date, dt.date]]:
    """The Monday and the first publication of every recorded week of T1."""
    answer = json.loads((finra_data / "weekly_summary_AAPL_T1_ATS_W_SMBL.json").read_text())
    rows = json.loads(answer["text"])
    return [tuple(dt.date.fromisoformat(row[key]) for key in ("weekStartDate", "initialPublishedDate")) for row in rows]


def test_every_recorded_week_was_published_on_the_day_computed(recorded: list[tuple[dt.date, dt.date]]) -> None:
    assert len(recorded) == 248
    for monday, published in recorded:
        week_ending = friday_of(monday)
        assert published_on(Tier.T1, week_ending) == published
        assert week_published_on(Tier.T1, published) == week_ending
        assert newest_published(Tier.T1, published_at(Tier.T1, week_ending)) == week_ending


def test_a_holiday_monday_moved_the_publication_in_27_recorded_weeks(recorded: list[tuple[dt.date, dt.date]]) -> None:
    assert sum(published.weekday() == 1 for _, published in recorded) == 27


@pytest.mark.parametrize(
    ("since", "in_source", "captured", "state"),
    [
        (-SECOND, None, False, "not_due"),
        (-SECOND, True, False, "not_due"),
        (0 * SECOND, None, False, "due"),
        (GRACE, False, False, "due"),
        (GRACE, True, False, "due"),
        (GRACE + SECOND, False, False, "late_at_source"),
        (GRACE + SECOND, True, False, "late_here"),
        (GRACE + SECOND, None, False, "due"),
        (UNKNOWN_GRACE + SECOND, None, False, "late_here"),
        (GRACE + SECOND, True, True, "due"),
        (UNKNOWN_GRACE + SECOND, None, True, "due"),
        (UNKNOWN_GRACE + SECOND, False, True, "due"),
    ],
)
def test_who_is_late(since: dt.timedelta, in_source: bool | None, captured: bool, state: str) -> None:
    found = publication_state(Tier.T1, WEEK, OUT + since, in_source=in_source, captured=captured)
    assert found is PublicationState(state)


def test_a_longer_grace_holds_for_a_silent_source_too() -> None:
    now, grace = OUT + UNKNOWN_GRACE + SECOND, dt.timedelta(days=9)
    assert publication_state(Tier.T1, WEEK, now, in_source=None, captured=False, grace=grace) is PublicationState.DUE


def test_the_publication_time_may_be_later_than_finras() -> None:
    assert parse_publication_time("06:00") == dt.time(6)
    assert parse_publication_time("23:59") == dt.time(23, 59)


@pytest.mark.parametrize(
    ("text", "told"), [("05:59", "FINRA publishes from 06:00"), ("6 am", "expected HH:MM"), ("25:00", "expected HH:MM")]
)
def test_a_time_that_cannot_be_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        parse_publication_time(text)
