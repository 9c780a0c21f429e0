"""One run per published week: at the publication, in order, whatever the clocks and holidays do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pendulum
import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DagRunInfo, TimeRestriction
from hypothesis import example, given
from hypothesis import strategies as st

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import friday_of, monday_of, published_at
from spine.timetables.publication import PublicationTimetable, data_interval, week_of

WEEK = dt.timedelta(days=7)
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
tiers = st.sampled_from(list(Tier))
fridays = st.dates(dt.date(2014, 1, 1), dt.date(2032, 12, 31)).map(friday_of)
instants = st.datetimes(dt.datetime(2014, 3, 1), dt.datetime(2032, 12, 31), timezones=st.just(dt.UTC))  # noqa: DTZ001


def at(now: dt.datetime, tier: str = "T1", **options: str) -> PublicationTimetable:
    """A timetable for which it is ``now``."""
    timetable = PublicationTimetable(tier, **options)
    timetable.now = lambda: now  # type: ignore[method-assign]
    return timetable


def bound(text: str | dt.date) -> pendulum.DateTime:
    parsed = pendulum.parse(str(text))
    assert isinstance(parsed, pendulum.DateTime)
    return parsed


def runs_between(timetable: PublicationTimetable, start: str | dt.date, end: str | dt.date) -> Iterator[DagRunInfo]:
    """As Airflow's backfill asks: both bounds as instants, and with catchup."""
    restriction = TimeRestriction(bound(start), bound(end), catchup=True)
    info = None
    while info := timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction):
        yield info


def weeks_between(timetable: PublicationTimetable, start: str | dt.date, end: str | dt.date) -> list[str]:
    return [
        str(week_of(info.data_interval.start)) for info in runs_between(timetable, start, end) if info.data_interval
    ]


@given(tiers, fridays)
@example(Tier.T1, dt.date(2026, 10, 16))  # published after the clocks went back
@example(Tier.T1, dt.date(2026, 2, 20))  # and forward
@example(Tier.T1, dt.date(2025, 12, 26))  # published on Tuesday, 20 January: Martin Luther King's day
@example(Tier.OTCE, dt.date(2026, 4, 3))  # ends on Good Friday
@example(Tier.T2, dt.date(2021, 1, 1))
def test_a_week_runs_when_it_is_published(tier: Tier, week_ending: dt.date) -> None:
    run = PublicationTimetable(tier).run_of(week_ending)
    assert run.run_after == published_at(tier, week_ending)
    assert run.run_after.timezone_name == "UTC"
    assert run.data_interval is not None
    assert week_of(run.data_interval.start) == week_ending
    start, end = (edge.in_timezone("America/New_York") for edge in run.data_interval)
    assert (start.date(), start.time()) == (monday_of(week_ending), dt.time())
    assert (end.date(), end.time()) == (week_ending + dt.timedelta(days=1), dt.time())
    assert run.logical_date == run.data_interval.start


@given(tiers, fridays, st.integers(0, 60))
def test_a_backfill_has_each_week_once_and_in_order(tier: Tier, first: dt.date, weeks: int) -> None:
    last = first + weeks * WEEK
    now = published_at(tier, last)
    found = weeks_between(at(now, tier), monday_of(first), monday_of(last))
    assert found == [str(first + number * WEEK) for number in range(weeks + 1)]
    assert weeks_between(at(now - dt.timedelta(seconds=1), tier), monday_of(first), monday_of(last)) == found[:-1]


@pytest.mark.parametrize(
    ("start", "end", "weeks"),
    [
        ("2026-10-05", "2026-10-19", ["2026-10-09", "2026-10-16", "2026-10-23"]),
        ("2026-10-06", "2026-10-18", ["2026-10-16"]),
        ("2026-10-05T00:00:00-04:00", "2026-10-19T00:00:00-04:00", ["2026-10-09", "2026-10-16", "2026-10-23"]),
        ("2026-10-05T00:00:00+02:00", "2026-10-19T00:00:00+02:00", ["2026-10-09", "2026-10-16", "2026-10-23"]),
        ("2026-10-19", "2026-12-31", ["2026-10-23", "2026-10-30"]),
        ("2026-11-02", "2026-12-31", []),
    ],
    ids=["UTC midnight", "between Mondays", "New York", "east", "published ones only", "none published"],
)
def test_a_backfill_reads_its_bounds_as_calendar_dates(start: str, end: str, weeks: list[str]) -> None:
    assert weeks_between(at(NOW), start, end) == weeks


@given(tiers, instants)
def test_without_catchup_the_newest_week_runs_first_and_then_every_week(tier: Tier, now: dt.datetime) -> None:
    timetable = at(now, tier)
    restriction = TimeRestriction(None, None, catchup=False)
    first = timetable.next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction)
    second = timetable.next_dagrun_info_v2(last_dagrun_info=first, restriction=restriction)
    assert first and second and first.data_interval and second.data_interval
    assert first.run_after <= now < second.run_after
    assert week_of(second.data_interval.start) == week_of(first.data_interval.start) + WEEK


@pytest.mark.parametrize(
    ("catchup", "earliest", "last", "week"),
    [
        (False, None, "2026-08-07", "2026-10-30"),
        (True, None, "2026-08-07", "2026-08-14"),
        (False, "2026-01-01", None, "2026-10-30"),
        (True, "2026-01-01", None, "2026-01-09"),
        (True, "2026-01-01", "2025-06-06", "2026-01-09"),
        (True, None, None, "2026-10-30"),
        (False, None, "2026-10-30", "2026-11-06"),
        (False, "2027-01-04", None, "2027-01-08"),
    ],
)
def test_where_the_schedule_goes_on(catchup: bool, earliest: str | None, last: str | None, week: str) -> None:
    info = at(NOW).next_dagrun_info(
        last_automated_data_interval=data_interval(dt.date.fromisoformat(last)) if last else None,
        restriction=TimeRestriction(bound(earliest) if earliest else None, None, catchup),
    )
    assert info is not None
    assert info.data_interval is not None
    assert str(week_of(info.data_interval.start)) == week


@pytest.mark.parametrize(
    ("started", "week"),
    [
        ("2026-11-20T15:00:00+00:00", "2026-10-30"),
        ("2026-10-05", "2026-10-09"),
        ("2026-10-05T04:00:00+00:00", "2026-10-09"),
        ("2026-09-07", "2026-09-11"),
        ("2026-11-09", "2026-10-30"),
        ("2031-01-01", "2026-10-30"),
    ],
    ids=["now", "a date", "a logical date", "a holiday", "not out yet", "future"],
)
def test_a_manual_run_is_for_the_week_of_its_date_or_the_newest(started: str, week: str) -> None:
    assert str(week_of(at(NOW).infer_manual_data_interval(run_after=bound(started)).start)) == week


def test_a_later_hour_moves_the_run_and_nothing_else() -> None:
    early, late = at(NOW).run_of(dt.date(2026, 10, 30)), at(NOW, at="09:30").run_of(dt.date(2026, 10, 30))
    assert late.run_after - early.run_after == dt.timedelta(hours=3, minutes=30)
    assert late.data_interval == early.data_interval


@pytest.mark.parametrize("make", [lambda: PublicationTimetable("T9"), lambda: PublicationTimetable("T1", at="05:00")])
def test_what_cannot_be_is_refused(make: Callable[[], PublicationTimetable]) -> None:
    with pytest.raises(ValidationError):
        make()


def test_it_survives_serialization_and_tells_what_it_does() -> None:
    with DAG("weekly", schedule=PublicationTimetable("NMS Tier 2", at="07:15"), auto_register=False) as dag:
        pass
    back = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).timetable
    assert isinstance(back, PublicationTimetable)
    assert back.serialize() == {"tier": "T2", "at": "07:15"}
    assert back.summary == "T2 publication, 07:15 ET"
    assert back.description == (
        "Once per week of T2, when FINRA publishes it: the first NYSE session on or after Monday + 35 days, 07:15 New York"
    )
