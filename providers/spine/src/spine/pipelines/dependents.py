"""After a restatement: the rolling figures of later weeks whose window holds the restated week."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from spine.core.results import StepResult, StepStatus
from spine.core.weeks import parse_date, window
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.base import current_capture
from spine.pipelines.context import StepContext
from spine.pipelines.rolling import MAX_WINDOW_WEEKS, compute_rolling
from spine.storage.ledger import Capture

_LATEST = (
    "WHERE t.domain = :domain AND t.tier = :tier AND t.summary_type = :summary_type AND t.stage = :stage "
    "AND t.week_ending BETWEEN :start AND :end ORDER BY t.week_ending"
)


@dataclass(frozen=True, slots=True)
class _Result:
    """The rolling figures that readers have of a week.

    :param inputs: by window: the captures that the figures rest on.
    """

    week_ending: dt.date
    capture_id: str
    inputs: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RefreshDependents:
    """Recompute, oldest first, every later week of the tier whose rolling figures rest on a superseded capture.

    Params: none of its own. A week whose inputs are still the newest ones is left alone, and so is one that was itself
    restated since: its own run computes it.
    """

    dataset: Dataset
    description: str = "Recompute rolling figures of later weeks that rest on a restated one."

    @property
    def name(self) -> str:
        return f"{self.dataset.name}.refresh_dependents"

    def run(self, context: StepContext) -> StepResult:
        """:raises SpineError: see compute_rolling; the weeks before the failing one stay refreshed."""
        capture = current_capture(context, self.dataset)
        stale = [(later.capture_id, window_weeks) for later, window_weeks in self._stale(context, capture)]
        results = [self._recompute(context, capture_id, window_weeks) for capture_id, window_weeks in stale]
        refreshed = {str(result.output["week_ending"]): None for result in results if result.status is StepStatus.DONE}
        done = f"recomputed the rolling figures of {', '.join(refreshed)}"
        message = done if refreshed else "nothing rests on an older capture"
        return StepResult.done(message, weeks=list(refreshed))

    def _stale(self, context: StepContext, capture: Capture) -> Iterator[tuple[_Result, int]]:
        """Later results, each with a window whose captures are not the newest ones any more."""
        later = self._results(context, capture)
        if not later:
            return
        first = window(later[0].week_ending, MAX_WINDOW_WEEKS)[0]
        newest = self._newest(context, capture, first, later[-1].week_ending)
        for result in later:
            for inputs in result.inputs.values():
                weeks = window(result.week_ending, inputs["window_weeks"])
                captures = [newest[week] for week in weeks if week in newest]
                if result.capture_id in captures and captures != inputs["captures"]:
                    yield result, inputs["window_weeks"]

    def _results(self, context: StepContext, capture: Capture) -> list[_Result]:
        """Of the weeks after this one, as far as a window reaches."""
        week = capture.partition.week_ending
        end = week + dt.timedelta(weeks=MAX_WINDOW_WEEKS - 1)
        sql = (
            "SELECT t.week_ending, t.capture_id, m.metrics_json FROM core_latest t "
            f"JOIN core_manifest m ON m.capture_id = t.capture_id AND m.stage = t.stage {_LATEST}"
        )
        values = {**_same(capture), "stage": "ROLLING", "start": week + dt.timedelta(weeks=1), "end": end}
        rows = context.storage.query(sql, values).rows
        return [_Result(parse_date(day), str(name), json.loads(metrics)["inputs"]) for day, name, metrics in rows]

    def _newest(self, context: StepContext, capture: Capture, start: dt.date, end: dt.date) -> dict[dt.date, str]:
        """The aggregated capture that readers have of each week."""
        sql = f"SELECT t.week_ending, t.capture_id FROM core_latest t {_LATEST}"
        values = {**_same(capture), "stage": "AGGREGATED", "start": start, "end": end}
        return {parse_date(day): str(name) for day, name in context.storage.query(sql, values).rows}

    def _recompute(self, context: StepContext, capture_id: str, window_weeks: int) -> StepResult:
        params = {**context.params, "window_weeks": window_weeks}
        return compute_rolling.run(replace(context, params=params, outputs={"week": {"capture_id": capture_id}}))


def _same(capture: Capture) -> dict[str, Any]:
    return {
        "domain": capture.partition.dataset,
        "tier": str(capture.partition.tier),
        "summary_type": capture.summary_type,
    }


refresh_dependents = RefreshDependents(OTC_TRANSPARENCY)
