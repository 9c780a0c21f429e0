"""What Airflow knows of the week a run is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spine.core.weeks import parse_week_ending
from spine.workflows.run_week import PublicationRun, resolve_week

if TYPE_CHECKING:
    import datetime as dt

    from airflow.sdk import Context

_BACKFILL = "backfill"  # DagRunType.BACKFILL_JOB; the SDK has the type for annotations only


def week_of_run(context: Context, asked: Any = None) -> dt.date | None:
    """The Friday; None is the newest published week.

    :param asked: the week the run's params name, as a person writes it.
    :raises ValidationError: no Friday, or it contradicts the run's dates.
    """
    return resolve_week(parse_week_ending(asked) if asked else None, publication_run(context))


def publication_run(context: Context) -> PublicationRun | None:
    """The week that a publication schedule gave the run; None where none did, or where it has no dates."""
    from spine.timetables.publication import PublicationTimetable, week_of

    dag, start = context.get("dag"), context.get("data_interval_start")
    if dag is None or start is None or not isinstance(dag.timetable, PublicationTimetable):
        return None
    return PublicationRun(
        week_ending=week_of(start),
        logical_date=context["logical_date"].date(),
        backfill=context["dag_run"].run_type == _BACKFILL,
    )
