"""After a restatement: the rolling figures of later weeks whose window holds the restated week."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from spine.core.results import StepResult, StepStatus
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.base import current_capture
from spine.pipelines.context import StepContext
from spine.pipelines.derive import MAX_WINDOW_WEEKS, compute_rolling
from spine.storage.ledger import Capture, Stage, stage_metrics


@dataclass(frozen=True, slots=True)
class RefreshDependents:
    """Recompute, oldest first, every later week of the tier whose rolling figures rest on a superseded capture.

    Params: none of its own. A week whose inputs are still the newest ones is left alone.
    """

    dataset: Dataset
    description: str = "Recompute rolling figures of later weeks that rest on a restated one."

    @property
    def name(self) -> str:
        return f"{self.dataset.name}.refresh_dependents"

    def run(self, context: StepContext) -> StepResult:
        """:raises SpineError: see compute_rolling; the weeks before the failing one stay refreshed."""
        capture = current_capture(context, self.dataset)
        refreshed = [week for later in self._later(context, capture) for week in self._refresh(context, later)]
        done = f"recomputed the rolling figures of {', '.join(refreshed)}"
        message = done if refreshed else "nothing rests on an older capture"
        return StepResult.done(message, weeks=refreshed)

    def _later(self, context: StepContext, capture: Capture) -> list[str]:
        """Ids of the newest rolling captures of the weeks after this one."""
        found = context.storage.query(
            "SELECT capture_id FROM core_latest WHERE domain = :domain AND tier = :tier AND summary_type = :summary_type "
            "AND stage = 'ROLLING' AND week_ending > :week_ending ORDER BY week_ending "
            + context.storage.dialect.limit(MAX_WINDOW_WEEKS),
            {
                "domain": capture.partition.dataset,
                "tier": str(capture.partition.tier),
                "summary_type": capture.summary_type,
                "week_ending": capture.partition.week_ending,
            },
        )
        return [str(row[0]) for row in found.rows]

    def _refresh(self, context: StepContext, capture_id: str) -> list[str]:
        """Every window of the capture that needs it; its week, when one did."""
        metrics: dict[str, Any] = stage_metrics(context.storage, capture_id, Stage.ROLLING) or {}
        results = [
            self._recompute(context, capture_id, inputs["window_weeks"]) for inputs in metrics["inputs"].values()
        ]
        return [str(result.output["week_ending"]) for result in results if result.status is StepStatus.DONE][:1]

    def _recompute(self, context: StepContext, capture_id: str, window_weeks: int) -> StepResult:
        params = {**context.params, "window_weeks": window_weeks}
        return compute_rolling.run(replace(context, params=params, outputs={"week": {"capture_id": capture_id}}))


refresh_dependents = RefreshDependents(OTC_TRANSPARENCY)
