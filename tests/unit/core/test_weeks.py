"""Weeks and publication days, against the exchange's calendar and FINRA's own records."""

from __future__ import annotations

import datetime as dt
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import (
    NEW_YORK,
    PUBLICATION_LAG,
    friday_of,
    is_session,
    monday_of,
    newest_published,
    parse_date,
    parse_week_ending,
    published_at,
    published_on,
    require_published,
    sessions_of,
    week_published_on,
    window,
)

DAYS = st.dates(dt.date(2010, 1, 1), dt.date(2035, 12, 31))
FRIDAYS = DAYS.map(friday_of)
TIERS = st.sampled_from(list(Tier))
INSTANTS = st.datetimes(dt.datetime(2010, 2, 1), dt.datetime(2035, 12, 31), timezones=st.just(dt.UTC))  # noqa: DTZ001


def words(text: str) -> list[str]:
    return text.split()


# Full-day closures of the NYSE that fall on a weekday.
CLOSED = words("""
2012-10-29 2012-10-30 2018-12-05
2025-01-01 2025-01-09 2025-01-20 2025-02-17 2025-04-18 2025-05-26 2025-06-19 2025-07-04 2025-09-01 2025-11-27 2025-12-25
2026-01-01 2026-01-19 2026-02-16 2026-04-03 2026-05-25 2026-06-19 2026-07-03 2026-09-07 2026-11-26 2026-12-25
""")
CLOSED_FRIDAYS = words("""
2014-04-18 2014-07-04 2015-04-03 2015-07-03 2015-12-25 2016-01-01 2016-03-25 2017-04-14 2018-03-30 2019-04-19 2020-04-10
2020-07-03 2020-12-25 2021-01-01 2021-04-02 2021-12-24 2022-04-15 2023-04-07 2024-03-29 2025-04-18 2025-07-04 2026-04-03
2026-06-19 2026-07-03 2026-12-25 2027-01-01 2027-03-26 2027-06-18
""")


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def weekdays(first: str, last: str) -> list[dt.date]:
    days = (day(first) + dt.timedelta(days=n) for n in range((day(last) - day(first)).days + 1))
    return [each for each in days if each.weekday() < 5]


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_exchange_is_closed_on_exactly_these_days(year: int) -> None:
    closed = [str(each) for each in weekdays(f"{year}-01-01", f"{year}-12-31") if not is_session(each)]
    assert closed == [text for text in CLOSED if text.startswith(str(year))]


@pytest.mark.parametrize("text", ["2012-10-29", "2012-10-30", "2018-12-05", "2025-01-09"])
def test_storms_and_days_of_mourning_are_closures(text: str) -> None:
    assert not is_session(day(text))


def test_fridays_that_are_closed() -> None:
    closed = [each for each in weekdays("2014-01-01", "2027-06-30") if each.weekday() == 4 and not is_session(each)]
    assert [str(each) for each in closed] == CLOSED_FRIDAYS


@pytest.mark.parametrize("text", ["2025-10-13", "2025-11-11", "2025-07-03", "2025-11-28"])
def test_bond_holidays_and_short_days_are_sessions(text: str) -> None:
    assert is_session(day(text))


def test_weekends_are_no_sessions() -> None:
    assert not is_session(day("2026-01-03"))
    assert not is_session(day("2026-01-04"))


def test_a_week_with_a_closed_friday_keeps_its_name() -> None:
    assert parse_week_ending("2026-04-03") == day("2026-04-03")
    assert [str(each) for each in sessions_of(day("2026-04-03"))] == [
        "2026-03-30",
        "2026-03-31",
        "2026-04-01",
        "2026-04-02",
    ]


@given(DAYS)
def test_the_friday_of_a_day_is_in_its_week(some_day: dt.date) -> None:
    friday = friday_of(some_day)
    assert friday.weekday() == 4
    assert monday_of(friday) <= some_day <= monday_of(friday) + dt.timedelta(days=6)
    assert friday_of(friday) == friday


@given(FRIDAYS, st.integers(1, 110))
def test_a_window_is_consecutive_fridays(week_ending: dt.date, weeks: int) -> None:
    fridays = window(week_ending, weeks)
    assert (len(fridays), fridays[-1]) == (weeks, week_ending)
    assert {later - earlier for earlier, later in pairwise(fridays)} <= {dt.timedelta(days=7)}


@given(FRIDAYS)
def test_a_week_has_three_to_five_sessions(week_ending: dt.date) -> None:
    sessions = sessions_of(week_ending)
    assert 3 <= len(sessions) <= 5
    assert all(friday_of(each) == week_ending and is_session(each) for each in sessions)


@given(TIERS, FRIDAYS)
def test_publication_is_the_first_session_after_the_delay(tier: Tier, week_ending: dt.date) -> None:
    due, published = monday_of(week_ending) + PUBLICATION_LAG[tier], published_on(tier, week_ending)
    assert is_session(published)
    assert published >= due
    assert not any(is_session(due + dt.timedelta(days=n)) for n in range((published - due).days))


@given(TIERS, FRIDAYS)
def test_the_publication_day_tells_the_week(tier: Tier, week_ending: dt.date) -> None:
    assert week_published_on(tier, published_on(tier, week_ending)) == week_ending


@given(TIERS, DAYS)
def test_a_day_publishes_the_week_that_is_published_on_it_or_none(tier: Tier, some_day: dt.date) -> None:
    week_ending = week_published_on(tier, some_day)
    candidates = [friday_of(some_day) - dt.timedelta(weeks=n) for n in range(8)]
    assert ([week_ending] if week_ending else []) == [
        week for week in candidates if published_on(tier, week) == some_day
    ]


@pytest.mark.parametrize("text", words("2025-02-18 2025-05-27 2025-09-02 2026-01-20 2026-02-17 2026-05-26 2026-09-08"))
def test_a_holiday_monday_moves_publication_to_tuesday(text: str) -> None:
    monday = day(text) - dt.timedelta(days=1)
    for tier in Tier:
        assert week_published_on(tier, monday) is None
        assert week_published_on(tier, day(text)) == monday - PUBLICATION_LAG[tier] + dt.timedelta(days=4)


@given(TIERS, FRIDAYS)
def test_a_week_is_out_from_six_in_new_york(tier: Tier, week_ending: dt.date) -> None:
    out = published_at(tier, week_ending)
    assert (out.hour, out.minute, out.date()) == (6, 0, published_on(tier, week_ending))
    assert newest_published(tier, out) == week_ending
    assert newest_published(tier, out - dt.timedelta(microseconds=1)) == week_ending - dt.timedelta(days=7)


@pytest.mark.parametrize(
    ("week_ending", "utc"),
    [
        ("2025-02-14", "2025-03-03T11:00:00+00:00"),
        ("2025-02-21", "2025-03-10T10:00:00+00:00"),  # clocks went forward the day before
        ("2025-10-10", "2025-10-27T10:00:00+00:00"),
        ("2025-10-17", "2025-11-03T11:00:00+00:00"),  # and back
        ("2025-12-12", "2025-12-29T11:00:00+00:00"),
        ("2024-12-13", "2024-12-30T11:00:00+00:00"),
    ],
)
def test_daylight_saving_and_the_turn_of_the_year(week_ending: str, utc: str) -> None:
    assert published_at(Tier.T1, day(week_ending)) == dt.datetime.fromisoformat(utc)


@given(TIERS, INSTANTS, st.timedeltas(dt.timedelta(0), dt.timedelta(days=60)))
def test_the_newest_week_never_goes_back(tier: Tier, now: dt.datetime, later: dt.timedelta) -> None:
    assert newest_published(tier, now) <= newest_published(tier, now + later)


@given(TIERS, INSTANTS)
def test_the_newest_week_is_out_and_the_next_is_not(tier: Tier, now: dt.datetime) -> None:
    week_ending = newest_published(tier, now)
    assert published_at(tier, week_ending) <= now < published_at(tier, week_ending + dt.timedelta(days=7))
    require_published(tier, week_ending, now)
    with pytest.raises(ValidationError, match=f"the newest week out is {week_ending}"):
        require_published(tier, week_ending + dt.timedelta(days=7), now)


def test_the_same_instant_gives_the_same_week_in_every_zone() -> None:
    now = dt.datetime(2026, 11, 16, 11, 0, tzinfo=dt.UTC)
    assert newest_published(Tier.T1, now) == newest_published(Tier.T1, now.astimezone(NEW_YORK)) == day("2026-10-30")
    assert newest_published(Tier.OTCE, now) == day("2026-10-16")


def test_every_week_on_record_was_published_on_the_day_the_rule_gives(finra_data: Path) -> None:
    recorded = json.loads((finra_data / "weekly_summary_AAPL_T1_ATS_W_SMBL.json").read_text())
    rows = json.loads(recorded["text"])
    assert len(rows) == 248
    for row in rows:
        week_ending = friday_of(day(row["weekStartDate"]))
        assert published_on(Tier.T1, week_ending) == day(row["initialPublishedDate"])
        assert week_published_on(Tier.T1, day(row["initialPublishedDate"])) == week_ending


@pytest.mark.parametrize(
    "text",
    ["2026-01-02", "2026-01-02T00:00:00", "2026-01-02 23:59:59.999", dt.date(2026, 1, 2), "2026-01-02T05:00:00Z"],
)
def test_dates_may_have_a_time_behind_them(text: object) -> None:
    assert parse_date(text) == dt.date(2026, 1, 2)


def test_an_instant_is_read_as_its_own_date() -> None:
    assert parse_date(dt.datetime(2026, 1, 2, 23, tzinfo=NEW_YORK)) == dt.date(2026, 1, 2)


@pytest.mark.parametrize(
    "text",
    [
        *words("2026-1-2 20260102 2026-W01-5 02/01/2026 2026-02-29 2026-13-01 2026-01-02x 2026-01-02T 2026-01-02Tnoon"),
        *(
            "",
            None,
            " 2026-01-02",
            "2026-01-02 at noon",
            20260102,
            "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0662",
        ),
    ],
)
def test_other_forms_are_refused_by_name(text: object) -> None:
    with pytest.raises(ValidationError, match=r"last_update .* is not a date; expected YYYY-MM-DD"):
        parse_date(text, "last_update")


@given(DAYS.filter(lambda each: each.weekday() != 4))
def test_another_weekday_is_answered_with_its_friday(some_day: dt.date) -> None:
    with pytest.raises(ValidationError, match=f"did you mean {friday_of(some_day)}"):
        parse_week_ending(some_day)


@pytest.mark.parametrize("text", ["1999-12-31", "0001-01-05", "9999-12-31", "2205-12-27"])
def test_a_year_that_must_be_a_slip_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="not in the years 2000 to 2099"):
        parse_week_ending(text)
