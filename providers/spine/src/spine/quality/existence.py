"""Whether a week is there already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spine.core.results import StepResult, gives
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.pipelines.base import given_summary_type
from spine.pipelines.context import StepContext
from spine.pipelines.which_week import which_week
from spine.storage.ledger import Stage


@gives(exists="boolean", stage="string|null", capture_id="string|null", tier="string", week_ending="string")
def check_week(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """Whether readers see the run's week (the newest published one when none is asked for), and how far it has come.

    Output: ``exists`` (it is aggregated), ``stage`` (the last one it finished), ``capture_id``. No config.

    :raises ValidationError: no tier, or a week that is not out yet.
    """
    week = which_week(context, config).output
    found = context.storage.query(
        "SELECT stage, capture_id FROM core_latest WHERE domain = :domain AND tier = :tier AND week_ending = :week_ending "
        "AND summary_type = :summary_type",
        {"domain": OTC_TRANSPARENCY.name, **week, "summary_type": given_summary_type(context, OTC_TRANSPARENCY)},
    )
    newest = max(found, key=lambda row: Stage(row["stage"]).rank, default={"stage": None, "capture_id": None})
    exists = newest["stage"] in (Stage.AGGREGATED, Stage.ROLLING)
    message = f"{week['tier']} {week['week_ending']}: {newest['stage'] or 'nothing there'}"
    return StepResult.done(message, **week, exists=exists, stage=newest["stage"], capture_id=newest["capture_id"])
