"""Which week a run is for: one answer for the scheduler, backfills, the UI, REST and ``dags test``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from spine.core.errors import ValidationError
from spine.core.weeks import friday_of


@dataclass(frozen=True, slots=True)
class PublicationRun:
    """A run whose schedule gave it a week.

    :param week_ending: that week.
    :param logical_date: the run's, as a calendar date.
    :param backfill: whether it is one of many that were started with the same conf.
    """

    week_ending: dt.date
    logical_date: dt.date
    backfill: bool = False


def resolve_week(asked: dt.date | None, run: PublicationRun | None) -> dt.date | None:
    """The week a run is for; None is the newest published one, which the pipeline finds.

    :param asked: the week that the run's params name.
    :param run: None for runs that no publication schedule made.
    :raises ValidationError: the run's dates and what was asked for contradict each other.
    """
    if run is None:
        return asked
    if asked is None:
        _require_same_week(run)
        return run.week_ending
    if run.backfill and asked != run.week_ending:
        raise ValidationError(
            f"week_ending {asked} in the conf of a backfill contradicts its run for the week ending {run.week_ending}: "
            "the conf is the same for every run; leave week_ending out, and let the dates of the backfill choose the weeks",
            context={"param": "week_ending"},
        )
    return asked


def _require_same_week(run: PublicationRun) -> None:
    """``airflow dags trigger --logical-date`` gives a run the newest week, whatever its date says."""
    dated = friday_of(run.logical_date)
    if dated < run.week_ending:
        raise ValidationError(
            f"the logical date {run.logical_date} lies in the week ending {dated}, and Airflow gave the run the week ending "
            f'{run.week_ending}; say which one: conf {{"week_ending": "{dated}"}}',
            context={"param": "week_ending"},
        )
