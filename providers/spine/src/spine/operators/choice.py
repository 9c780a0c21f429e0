"""A choice of a workflow as an Airflow task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.branch import BranchMixIn

from spine.operators.step import SpineStepOperator
from spine.workflows.model import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from spine.core.results import StepResult
    from spine.core.settings import Settings


class ChoiceOperator(SpineStepOperator, BranchMixIn):
    """Evaluate a condition over params and receipts, and skip what it does not lead to.

    :param workflow: the workflow the choice belongs to.
    :param step: the choice; ``task_id`` must be its name.
    """

    inherits_from_skipmixin = True  # without it Airflow forgets what was skipped when a skipped task is cleared

    def execute(self, context: Context) -> dict[str, Any]:
        from spine.workflows.graph import build_graph
        from spine.workflows.steps import CASE

        result = self.run_step(context)
        way = build_graph(self.workflow.steps).way(self.step.name, result.output[CASE])
        self.do_branch(context, way)
        return {**result.to_dict(), "next_step": way}

    def _attempt(self, context: Context, params: Mapping[str, Any], settings: Settings) -> StepResult:
        from spine.workflows.conditions import Scope
        from spine.workflows.steps import run_choice

        assert isinstance(self.step.action, Choice)
        return run_choice(self.step.action, Scope(params, self._outputs(context)))
