"""What generated DAGs tell: a run that failed or is good again, a step that failed for good or was passed over.

Callbacks of DAGs run where DAG files are parsed, callbacks of tasks in the task's process; both only raise alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from spine.notifications.outbox import tell_ended, tell_from_airflow

if TYPE_CHECKING:
    from spine.alerts.model import Alert, AlertSeverity
    from spine.core.errors import SpineError
    from spine.operators.step import SpineStepOperator

RUN_FAILED, STEP_FAILED, PASSED_OVER = "run_failed", "step_failed", "step_passed_over"
SOURCE_LATE, WEEK_LATE = "source_late", "week_late"
ENDED_BY_SUCCESS = [RUN_FAILED, STEP_FAILED, PASSED_OVER, SOURCE_LATE, WEEK_LATE]


class Ending(StrEnum):
    SUCCESS = "succeeded"
    FAILURE = "failed"


@dataclass(frozen=True, slots=True)
class TellRunEnd:
    """A callback for ``on_failure_callback`` and ``on_success_callback`` of a DAG. It reads nothing but what it is given:
    no task, no table of Airflow.

    :param channels: what the workflow's own ``alerts`` name, beside the routes of alerts.yaml.
    """

    workflow: str
    domain: str
    ending: Ending
    channels: tuple[str, ...] = ()

    def __call__(self, context: Mapping[str, Any]) -> None:
        if self.ending is Ending.FAILURE:
            tell_from_airflow(self.failure(context))
            return
        told = self.success(context)
        tell_ended(told, ENDED_BY_SUCCESS, not_of_run=frozenset({PASSED_OVER}))
        if self.channels:
            tell_from_airflow(told)

    def failure(self, context: Mapping[str, Any]) -> Alert:
        from spine.alerts.model import Alert, AlertSeverity

        lines = [f"run {self._place(context)['run_id']} failed"]
        lines += [f"reason: {context['reason']}"] if context.get("reason") else []
        lines += [f"last task: {context['ti'].task_id}"] if context.get("ti") else []
        lines.append("look at the log of its first failed task; clearing that task lets the run go on")
        title = f"{self.workflow} failed"
        return Alert(AlertSeverity.ERROR, title, "\n".join(lines), cause=RUN_FAILED, **self._fields(context))

    def success(self, context: Mapping[str, Any]) -> Alert:
        from spine.alerts.model import Alert, AlertSeverity

        message = f"run {self._place(context)['run_id']} succeeded"
        title = f"{self.workflow} succeeded"
        return Alert(AlertSeverity.INFO, title, message, cause="completion", **self._fields(context))

    def _place(self, context: Mapping[str, Any]) -> dict[str, str]:
        from spine.notifications.about import about_run

        return about_run(self.workflow, self.domain, context, _params(context))

    def _fields(self, context: Mapping[str, Any]) -> dict[str, Any]:
        from spine.alerts.config import NOTIFY

        metadata = {NOTIFY: ", ".join(self.channels)} if self.channels else {}
        return {**self._place(context), "metadata": metadata}


@dataclass(frozen=True, slots=True)
class TellStepFailure:
    """The callback of every task. Airflow calls it when no attempt is left, never before a retry."""

    def __call__(self, context: Mapping[str, Any]) -> None:
        from spine.core.errors import SpineError, as_spine_error

        task = context["ti"].task if hasattr(context.get("ti"), "task") else context.get("task")
        error = as_spine_error(context.get("exception") or SpineError("the task ended without saying why"))
        if task is not None and hasattr(task, "workflow") and not _is_told_already(task, error):
            tell_from_airflow(step_alert(task, error, context, _params(context), task_id=task.task_id))


def _is_told_already(task: SpineStepOperator, error: SpineError) -> bool:
    """A gate that closed has raised its own alerts, and a map failed because one of its items did."""
    from spine.core.errors import PartialFailure
    from spine.quality.gate import GateClosed

    return isinstance(error, GateClosed | PartialFailure)


def passed_over(
    task: SpineStepOperator, error: BaseException, context: Mapping[str, Any], params: Mapping[str, Any]
) -> None:
    """Tell that a step failed and its workflow goes on (``on_error: continue``)."""
    from spine.alerts.model import AlertSeverity
    from spine.core.errors import as_spine_error

    known = as_spine_error(error)
    tell_from_airflow(
        step_alert(task, known, context, params, task_id=task.task_id, severity=AlertSeverity.WARNING, passed_over=True)
    )


def step_alert(
    task: SpineStepOperator,
    error: SpineError,
    context: Mapping[str, Any],
    params: Mapping[str, Any],
    *,
    task_id: str,
    severity: AlertSeverity | None = None,
    passed_over: bool = False,
) -> Alert:
    """The alert of a step's error. A week that FINRA has not published is FINRA's, whatever the step."""
    from spine.alerts.model import AlertSeverity, alert_of
    from spine.core.publication import PublicationState
    from spine.notifications.about import about_run

    fields: dict[str, Any] = about_run(task.workflow.name, task.workflow.domain, context, params)
    title, cause = f"{task.workflow.name}: step {task_id} failed", STEP_FAILED
    if passed_over:
        title, cause = f"{title} and was passed over", PASSED_OVER
    if error.context.get("state") == PublicationState.LATE_AT_SOURCE:
        title, cause, severity = "FINRA is late with a week", SOURCE_LATE, AlertSeverity.WARNING
    fields |= {"step": task_id, "cause": cause, "severity": severity or _at_least_an_error(error)}
    fields["tier"] = fields["tier"] or str(error.context.get("tier", ""))
    return alert_of(error, title=title, **fields)


def _at_least_an_error(error: SpineError) -> AlertSeverity:
    """What its category says, but no attempt is left: what was to pass by itself did not."""
    from spine.alerts.model import SEVERITY_OF, AlertSeverity

    return max(SEVERITY_OF[error.category], AlertSeverity.ERROR, key=lambda each: each.rank)


def _params(context: Mapping[str, Any]) -> Mapping[str, Any]:
    given = context.get("params")
    return dict(given) if given else dict(getattr(context.get("dag_run"), "conf", None) or {})
