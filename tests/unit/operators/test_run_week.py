"""The week of a run, as every step sees it, however the run was started."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pendulum
import pytest
from airflow.sdk import DAG, Context, CronTriggerTimetable
from airflow.utils.types import DagRunType

from spine.core.errors import ValidationError
from spine.core.weeks import parse_week_ending
from spine.operators.run_week import week_of_run
from spine.operators.step import SpineStepOperator
from spine.timetables.publication import PublicationTimetable, data_interval
from tests.support.workflows import seen_contexts, workflow_of

PUBLICATION = PublicationTimetable("T1")
CRON = CronTriggerTimetable("0 6 * * 1-5", timezone="America/New_York")
FLOW = """
    name: x
    params: {week_ending: {type: [string, "null"], default: null}}
    steps: [{name: a, type: pipeline, pipeline: test.ok}]
    """


class Run:
    def __init__(self, run_type: str) -> None:
        self.run_type = run_type


class NoReceipts:
    def xcom_pull(self, task_ids: str) -> None: ...


def context_of(schedule: Any, run_type: str, week: str | None, logical: str | None = None, **params: Any) -> Context:
    """A task's context; ``week`` is the one of the data interval, None for runs without dates."""
    context: dict[str, Any] = {
        "dag": DAG("x", schedule=schedule, auto_register=False),
        "dag_run": Run(run_type), "run_id": "r", "ti": NoReceipts(), "params": {"week_ending": None, **params},
    }  # fmt: skip
    if week is not None:
        interval = data_interval(parse_week_ending(week))
        date = pendulum.parse(logical) if logical else interval.start
        context |= {"data_interval_start": interval.start, "data_interval_end": interval.end, "logical_date": date}
    return cast("Context", context)


@pytest.mark.parametrize("backfill", ["backfill", DagRunType.BACKFILL_JOB])
def test_airflows_spelling_of_a_backfill_is_known(backfill: str) -> None:
    with pytest.raises(ValidationError, match="in the conf of a backfill"):
        week_of_run(context_of(PUBLICATION, backfill, "2026-10-09"), "2026-10-16")


@pytest.mark.parametrize(
    ("schedule", "run_type", "interval", "logical", "asked", "week"),
    [
        (PUBLICATION, "scheduled", "2026-10-09", None, None, "2026-10-09"),
        (PUBLICATION, "backfill", "2026-10-09", None, None, "2026-10-09"),
        (PUBLICATION, "manual", "2026-10-09", "2026-11-20T15:00:00Z", None, "2026-10-09"),
        (PUBLICATION, "manual", "2026-10-09", "2026-11-20T15:00:00Z", "2025-01-03", "2025-01-03"),
        (PUBLICATION, "manual", None, None, None, None),
        (PUBLICATION, "manual", None, None, "2025-01-03", "2025-01-03"),
        (CRON, "scheduled", "2026-10-09", None, None, None),
        (CRON, "backfill", "2026-10-09", None, "2025-01-03", "2025-01-03"),
        (None, "manual", "2026-10-09", None, None, None),
    ],
)
def test_every_way_to_start_a_run_gives_its_steps_one_week(
    schedule: Any, run_type: str, interval: str | None, logical: str | None, asked: str | None, week: str | None, tmp_path: Path
) -> None:  # fmt: skip
    workflow = workflow_of(tmp_path, FLOW)
    task = SpineStepOperator(task_id="a", workflow=workflow, step=workflow.step("a"))
    with seen_contexts() as seen:
        task.execute(context_of(schedule, run_type, interval, logical, week_ending=asked))
    assert seen[0].params["week_ending"] == week


def test_a_contradiction_stops_a_step_whatever_its_on_error(tmp_path: Path) -> None:
    workflow = workflow_of(tmp_path, FLOW.replace("test.ok", "test.ok, on_error: continue"))
    task = SpineStepOperator(task_id="a", workflow=workflow, step=workflow.step("a"))
    with pytest.raises(ValidationError, match="in the conf of a backfill"):
        task.execute(context_of(PUBLICATION, "backfill", "2026-10-09", week_ending="2026-10-16"))
