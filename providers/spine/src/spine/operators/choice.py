"""A choice of a workflow as an Airflow task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spine.operators.skipping import SkippingOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from spine.core.results import StepResult
    from spine.core.settings import Settings


class ChoiceOperator(SkippingOperator):
    """Evaluate conditions over params and receipts, and skip what the choice does not lead to."""

    def execute(self, context: Context) -> dict[str, Any]:
        from spine.workflows.graph import build_graph
        from spine.workflows.steps import CASE

        result = self.run_step(context)
        graph = build_graph(self.siblings)
        way = graph.way(self.step.name, result.output[CASE])
        receipt = {**self.receipt(context, result), "next_step": way}
        return self.end(context, receipt, skipped=graph.skipped_by(self.step.name, way))

    def _attempt(self, context: Context, params: Mapping[str, Any], settings: Settings) -> StepResult:
        from spine.workflows.conditions import Scope
        from spine.workflows.model import Choice
        from spine.workflows.steps import run_choice

        assert isinstance(self.step.action, Choice)
        return run_choice(self.step.action, Scope(params, self._outputs(context)))
