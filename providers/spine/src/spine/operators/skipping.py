"""A task that may skip tasks behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.utils.skipmixin import SkipMixin

from spine.operators.step import SpineStepOperator
from spine.operators.step_place import siblings, tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context

    from spine.workflows.model import Step


class SkippingOperator(SpineStepOperator, SkipMixin):
    """Says which of its siblings are skipped. Airflow skips what is behind them by itself."""

    inherits_from_skipmixin = True  # without it Airflow forgets what was skipped when a skipped task is cleared

    @property
    def siblings(self) -> tuple[Step, ...]:
        return siblings(self.workflow, self.place)

    def end(self, context: Context, receipt: dict[str, Any], *, skipped: Iterable[str]) -> dict[str, Any]:
        """Leave the receipt, and skip the steps of these names."""
        names = [step.name for step in self.siblings if step.name in set(skipped)]
        if names:
            assert self.dag is not None, "a task that runs belongs to a DAG"
            context["ti"].xcom_push(key="return_value", value=receipt)  # skipping ends this task by an exception
            tasks = tasks_of(names, self.workflow, self.place)
            self.skip(ti=context["ti"], tasks=[self.dag.get_task(task) for task in tasks])
        return receipt
