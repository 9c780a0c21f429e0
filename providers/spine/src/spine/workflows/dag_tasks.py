"""From one step to one Airflow task: its operator, and the options that every operator takes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule

from spine.notifications.run_alerts import TellStepFailure
from spine.operators.choice import ChoiceOperator
from spine.operators.step import SpineStepOperator
from spine.operators.step_place import Place
from spine.retries import SpineRetryPolicy
from spine.workflows.model import Step, StepType, Workflow

if TYPE_CHECKING:
    from airflow.sdk import DAG, TaskGroup

_OWN_CLOCK = frozenset({StepType.WAIT, StepType.APPROVAL, StepType.MAP})  # their timeout is not the task's


@dataclass(frozen=True, slots=True)
class Ground:
    """What tasks stand on: a workflow's DAG, and within it the maps around them.

    :param group: Airflow's group of the innermost item.
    :param pool: of the maps around, for steps that name none.
    """

    workflow: Workflow
    dag: DAG
    place: Place = ()
    group: TaskGroup | None = None
    pool: str | None = None


_PARKED = (StepType.WAIT, StepType.APPROVAL)
"""Tasks that leave their worker and come back. When that is quicker than Airflow's scheduler notices that they left, it takes
them for lost and fails them ("finished with state success, but the task instance's state attribute is queued"); so they get a
second attempt, which nothing but such a loss uses: an error of their own SpineRetryPolicy lets stand."""
_AFTER_A_LOSS = dt.timedelta(seconds=5)


def make_task(step: Step, ground: Ground, *, joins: bool) -> SpineStepOperator:
    """The task of a step that is one task."""
    operator = _operator(step.type)
    return operator(
        task_id=step.name, workflow=ground.workflow, step=step, place=ground.place, **task_options(step, ground, joins)
    )


def task_options(step: Step, ground: Ground, joins: bool = False) -> dict[str, Any]:
    """What every task of a step is given."""
    return {
        "dag": ground.dag,
        "task_group": ground.group,
        "doc_md": step.description or None,
        "trigger_rule": trigger_rule(joins),
        "execution_timeout": _span(None if step.type in _OWN_CLOCK else step.timeout),
        "pool": step.pool or ground.pool,
        "outlets": _outlets(step),
        "on_failure_callback": [TellStepFailure()],
        **({"owner": ground.workflow.owner} if ground.workflow.owner else {}),
        **_retry_options(step),
    }


def trigger_rule(joins: bool) -> TriggerRule:
    """A join runs when one of the ways that lead to it was taken."""
    return TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS if joins else TriggerRule.ALL_SUCCESS


def _operator(step_type: StepType) -> type[SpineStepOperator]:
    if step_type is StepType.CHOICE:
        return ChoiceOperator
    if step_type is StepType.GATE:
        from spine.operators.gate import GateOperator

        return GateOperator
    if step_type is StepType.WAIT:
        from spine.operators.wait import WaitOperator

        return WaitOperator
    if step_type is StepType.APPROVAL:
        from spine.operators.approval import ApprovalOperator  # imports Airflow's whole HITL: only where it is used

        return ApprovalOperator
    return SpineStepOperator


def _outlets(step: Step) -> list[Any]:
    if not step.produces:
        return []
    from spine.operators.assets import assets_named

    return assets_named(step.produces)


def _span(seconds: float | None) -> dt.timedelta | None:
    return dt.timedelta(seconds=seconds) if seconds else None


def _retry_options(step: Step) -> dict[str, Any]:
    """``retries`` always, so that an installation's ``default_task_retries`` does not change what the file says."""
    retry = step.retries
    if retry.max_attempts == 1 and step.type in _PARKED:
        return {"retries": 1, "retry_delay": _AFTER_A_LOSS, "retry_policy": SpineRetryPolicy(retry)}
    if retry.max_attempts == 1 or step.type is StepType.MAP:  # a map's items try again by themselves
        return {"retries": 0}
    return {
        "retries": retry.max_attempts - 1,
        "retry_delay": dt.timedelta(seconds=retry.initial_delay),
        "retry_policy": SpineRetryPolicy(retry),
    }
