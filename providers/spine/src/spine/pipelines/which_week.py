"""The first step of a weekly workflow that is told by its tier alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spine.core.errors import ValidationError
from spine.core.results import StepResult, gives
from spine.core.weeks import newest_published, require_published
from spine.pipelines.base import given_tier, given_week
from spine.pipelines.context import StepContext


@gives(tier="string", week_ending="string")
def which_week(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """``tier`` and ``week_ending`` of the run: as asked for, or the newest published week. No config.

    :raises ValidationError: no tier, or a week that is not out yet.
    """
    tier = given_tier(context)
    if tier is None:
        raise ValidationError("which tier? Pass tier: T1, T2 or OTCE")
    week_ending = given_week(context) or newest_published(tier, context.clock())
    require_published(tier, week_ending, context.clock())
    return StepResult.done(f"{tier}, week ending {week_ending}", tier=str(tier), week_ending=week_ending.isoformat())
