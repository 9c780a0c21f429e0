"""When a DAG runs for a week of a tier: as soon as FINRA publishes it.

One run per week. Its logical date is the Monday of the reported week (00:00 New York), its data interval that Monday
to Saturday, and it runs weeks later, at the publication. Bounds of a backfill, ``start_date`` and manual logical
dates are read as calendar dates, as they are written: ``--to-date 2026-10-19`` is that Monday, although midnight UTC
lies before midnight in New York.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable

from spine.core.publication import parse_publication_time
from spine.core.tiers import Tier
from spine.core.weeks import (
    NEW_YORK,
    PUBLICATION_LAG,
    PUBLICATION_TIME,
    friday_of,
    monday_of,
    newest_published,
    published_at,
    published_on,
)

if TYPE_CHECKING:
    from airflow.timetables.base import TimeRestriction

_WEEK = dt.timedelta(days=7)


class PublicationTimetable(Timetable):
    """One run per published week of a tier.

    Without catchup the newest published week is run, if it has not been, and older ones are left to a backfill.

    :param tier: FINRA's tier, in any spelling.
    :param at: New York time of the run on the publication day, ``HH:MM``; FINRA publishes from 06:00 on.
    """

    def __init__(self, tier: str, at: str = f"{PUBLICATION_TIME:%H:%M}") -> None:
        self.tier = Tier.parse(tier)
        self.at = parse_publication_time(at)
        self.description = (
            f"Once per week of {self.tier}, when FINRA publishes it: the first NYSE session on or after Monday + "
            f"{PUBLICATION_LAG[self.tier].days} days, {self.at:%H:%M} New York"
        )

    @property
    def summary(self) -> str:
        return f"{self.tier} publication, {self.at:%H:%M} ET"

    def serialize(self) -> dict[str, Any]:
        return {"tier": str(self.tier), "at": f"{self.at:%H:%M}"}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> PublicationTimetable:
        return cls(**data)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        week_ending = self._next_week(last_automated_data_interval, restriction)
        if restriction.latest is None:
            return self.run_of(week_ending)
        if monday_of(week_ending) > restriction.latest.date():
            return None
        # Airflow's backfill asks with an end and with catchup, and would also run weeks that are not published yet.
        if restriction.catchup and published_at(self.tier, week_ending) > self.now():
            return None
        return self.run_of(week_ending)

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """The week that holds the date, as for scheduled runs; the newest published one where that is not out yet.

        So a run started "now" gets the newest week, and one with a Monday as its logical date that Monday's week.
        """
        newest = newest_published(self.tier, self.now())
        return data_interval(min(friday_of(run_after.date()), newest))

    def run_of(self, week_ending: dt.date) -> DagRunInfo:
        """The one run for a week."""
        at = dt.datetime.combine(published_on(self.tier, week_ending), self.at, NEW_YORK)
        return DagRunInfo(run_after=pendulum.instance(at).in_timezone("UTC"), data_interval=data_interval(week_ending))

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def _next_week(self, last: DataInterval | None, restriction: TimeRestriction) -> dt.date:
        weeks = []
        if last is not None:
            weeks.append(week_of(last.start) + _WEEK)
        if restriction.earliest is not None:
            weeks.append(_first_week_from(restriction.earliest.date()))
        if not weeks or not restriction.catchup:
            weeks.append(newest_published(self.tier, self.now()))
        return max(weeks)


def data_interval(week_ending: dt.date) -> DataInterval:
    """Monday to Saturday of a week, 00:00 New York each, as UTC instants."""
    monday = monday_of(week_ending)
    return DataInterval(_midnight(monday), _midnight(monday + dt.timedelta(days=5)))


def week_of(start: dt.datetime) -> dt.date:
    """The week-ending Friday of the data interval that starts at that instant."""
    return friday_of(start.astimezone(NEW_YORK).date())


def _midnight(day: dt.date) -> pendulum.DateTime:
    return pendulum.instance(dt.datetime.combine(day, dt.time(), NEW_YORK)).in_timezone("UTC")


def _first_week_from(day: dt.date) -> dt.date:
    """The first week whose Monday is ``day`` or later."""
    friday = friday_of(day)
    return friday if monday_of(friday) >= day else friday + _WEEK
