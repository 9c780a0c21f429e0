"""The assets that a step's success updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from spine.core.results import StepStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context

    from spine.core.results import StepResult
    from spine.operators.step import SpineStepOperator

WEEK = "week_ending"


def assets_named(names: Iterable[str]) -> list[Asset]:
    """One asset for each name, as written; its URI is ``spine://<name>``."""
    return [Asset(name=name, uri=f"spine://{name}") for name in names]


def record_assets(task: SpineStepOperator, context: Context, result: StepResult) -> None:
    """Tell Airflow what the step updated: its week as the partition, the receipt's counts beside it.

    A step that found nothing new, was skipped, or failed and was passed over updated nothing.
    """
    if result.status is not StepStatus.DONE:
        task.outlets = []  # Airflow reads them when the task has ended
        return
    week = result.output.get(WEEK) or task.params_of_run(context).get(WEEK)
    for asset in task.outlets:
        event = context["outlet_events"][asset]
        event.extra = _counts(result.output)
        if week:
            event.add_partitions(str(week))


def _counts(output: Any) -> dict[str, Any]:
    return {
        key: value for key, value in output.items() if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
