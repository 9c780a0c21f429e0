"""Many weeks of a weekly workflow in one task: backfill and look-back.

The ledger is the checkpoint: a week's stages are committed one by one, so a run that is stopped goes on where it was, and
in mode ``missing`` does not even ask the source for weeks that are complete.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spine.core.errors import ErrorCategory, PartialFailure, ValidationError, error_from_dict
from spine.core.results import StepResult, StepStatus
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.core.weeks import newest_published, parse_date, parse_week_ending, published_at, window
from spine.pipelines.base import given_summary_type
from spine.pipelines.context import StepContext
from spine.workflows.catalog import find_workflow
from spine.workflows.model import Workflow
from spine.workflows.runner import WorkflowRun, run_workflow

MODES = ("missing", "refresh", "force")
MAX_WEEKS = 1_000
# Errors that would be the same for every week: going on would only repeat them.
_HOPELESS = {ErrorCategory.CONFIGURATION, ErrorCategory.PERMISSION}


@dataclass(frozen=True, slots=True)
class RunWeeks:
    """Run a weekly workflow for consecutive weeks of one tier, oldest first.

    Params: ``workflow`` (name), ``tier``, ``tiers`` (when given and without this tier, nothing is done), ``start_week`` and
    ``end_week`` (Fridays, both included; the end defaults to the newest published week) or ``weeks_back``, ``mode``:
    ``missing`` loads weeks that are not complete, ``refresh`` asks the source for every week and captures what changed,
    ``force`` captures every week anew. All other params are handed on to the workflow.
    """

    name: str = "core.run_weeks"
    description: str = "Run a weekly workflow for many weeks, with a checkpoint after each."

    def run(self, context: StepContext) -> StepResult:
        """:raises PartialFailure: some weeks failed, each named with its reason; the others are complete."""
        tier = Tier.parse(context.params.get("tier"))
        if tier not in _asked_tiers(context):
            return StepResult.skipped(f"{tier} was not asked for", tier=str(tier))
        mode = str(context.params.get("mode") or MODES[0])
        if mode not in MODES:
            raise ValidationError(f"unknown mode {mode!r}; {did_you_mean(mode, MODES)}")
        weeks = asked_weeks(context, tier)
        workflow = find_workflow(str(context.params.get("workflow") or ""), context.settings)
        complete = complete_weeks(context, workflow, tier, weeks) if mode == "missing" else set()
        todo = [week for week in weeks if week not in complete]
        tally = _Tally(tier, len(weeks), len(weeks) - len(todo))
        for week in todo:
            tally.count(context, week, self._week(context, workflow, tier, week, mode))
        return tally.result()

    def _week(self, context: StepContext, workflow: Workflow, tier: Tier, week: dt.date, mode: str) -> WorkflowRun:
        given = {**context.params, "tier": str(tier), "week_ending": week.isoformat(), "force": mode == "force"}
        return run_workflow(
            workflow,
            {name: value for name, value in given.items() if name in workflow.params},
            storage=context.storage,
            settings=context.settings,
            run_id=f"{context.run_id}:{tier}:{week}",
            clock=context.clock,
            log=context.log,
            connections=context.connections,
        )


class _Tally:
    """Weeks done so far, and what they say about the time left."""

    def __init__(self, tier: Tier, total: int, complete: int) -> None:
        self.tier, self.total, self.complete = tier, total, complete
        self.counts = {"captured": 0, "unchanged": 0}
        self.rows = 0
        self.failed: dict[str, str] = {}
        self._started = time.monotonic()

    def count(self, context: StepContext, week: dt.date, run: WorkflowRun) -> None:
        """Take in one week and tell how it went.

        :raises SpineError: the week failed for a reason that no other week will escape.
        """
        error = next((step.result.error for step in run.steps.values() if step.result and step.result.error), None)
        if str(run.state) != "success" and error:
            self.failed[week.isoformat()] = str(error["message"])
            if error["category"] in _HOPELESS:
                raise error_from_dict(error).with_context(tier=self.tier, week_ending=week)
        else:
            ingest = next(iter(run.results.values()))
            changed = ingest.status is not StepStatus.UNCHANGED
            self.counts["captured" if changed else "unchanged"] += 1
            self.rows += int(ingest.output.get("parsed", 0)) if changed else 0
        self._tell(context, week)

    @property
    def done(self) -> int:
        return self.complete + sum(self.counts.values()) + len(self.failed)

    def _tell(self, context: StepContext, week: dt.date) -> None:
        spent = time.monotonic() - self._started
        left = spent / max(self.done - self.complete, 1) * (self.total - self.done)
        how = f"failed: {self.failed[week.isoformat()]}" if week.isoformat() in self.failed else "done"
        rate = self.rows / spent if spent else 0.0
        context.log.info(
            "%s %s %s; %d of %d weeks, %.0f rows/s, about %.0f s left",
            self.tier,
            week,
            how,
            self.done,
            self.total,
            rate,
            left,
        )

    def result(self) -> StepResult:
        """The receipt.

        :raises PartialFailure: naming the weeks that failed.
        """
        seconds = round(time.monotonic() - self._started, 3)
        receipt: dict[str, Any] = {
            "tier": str(self.tier), "weeks": self.total, "already_complete": self.complete, **self.counts, "rows": self.rows,
            "failed": self.failed, "seconds": seconds,
        }  # fmt: skip
        if self.failed:
            reasons = "; ".join(f"{week}: {reason}" for week, reason in list(self.failed.items())[:10])
            raise PartialFailure(
                f"partial: {len(self.failed)} of {self.total} weeks of {self.tier} failed ({reasons})", context=receipt
            )
        counted = ", ".join(f"{count} {what}" for what, count in self.counts.items())
        message = f"{self.tier}: {self.total} weeks, {self.complete} already complete, {counted}, {self.rows:,} rows"
        return StepResult.done(message, **receipt)


def complete_weeks(context: StepContext, workflow: Workflow, tier: Tier, weeks: list[dt.date]) -> set[dt.date]:
    """Weeks that need nothing: rolling figures are there, or cannot be because their window is not loaded nor asked for."""
    from spine.finra.dataset import OTC_TRANSPARENCY
    from spine.pipelines.rolling import window_weeks

    found = context.storage.query(
        "SELECT week_ending, stage FROM core_latest WHERE domain = :domain AND tier = :tier AND summary_type = :summary_type "
        "AND stage IN ('AGGREGATED', 'ROLLING') AND week_ending BETWEEN :start AND :end",
        {
            "domain": workflow.domain,
            "tier": str(tier),
            "summary_type": given_summary_type(context, OTC_TRANSPARENCY),
            "start": window(weeks[0], window_weeks(context))[0],
            "end": weeks[-1],
        },
    )
    reached = {(parse_date(week), stage) for week, stage in found.rows}
    loaded = {week for week, stage in reached if stage == "AGGREGATED"}

    def is_complete(week: dt.date) -> bool:
        history = all(each in loaded or each in weeks for each in window(week, window_weeks(context)))
        return (week, "ROLLING") in reached or (week in loaded and not history)

    return {week for week in weeks if is_complete(week)}


def asked_weeks(context: StepContext, tier: Tier) -> list[dt.date]:
    """The Fridays a run asks for, oldest first, none of them unpublished.

    :raises ValidationError: neither start nor number, both, or a range that ends before it starts.
    """
    params: Mapping[str, Any] = context.params
    newest = newest_published(tier, context.clock())
    end = min(parse_week_ending(params["end_week"]), newest) if params.get("end_week") else newest
    if bool(params.get("weeks_back")) == bool(params.get("start_week")):
        raise ValidationError(
            "which weeks? Pass either start_week (with end_week, or up to the newest week) or weeks_back"
        )
    if count := params.get("weeks_back"):
        weeks = window(end, int(count))
    else:
        start = parse_week_ending(params["start_week"])
        if start > end:
            raise ValidationError(
                f"start_week {start} is after {end}, the last week that is asked for and published "
                f"(the newest one of {tier} came out on {published_at(tier, newest):%Y-%m-%d})"
            )
        weeks = window(end, (end - start).days // 7 + 1)
    if len(weeks) > MAX_WEEKS:
        raise ValidationError(f"{len(weeks):,} weeks are more than {MAX_WEEKS:,}; split the range")
    return weeks


def _asked_tiers(context: StepContext) -> list[Tier]:
    return [Tier.parse(tier) for tier in context.params.get("tiers") or list(Tier)]


run_weeks = RunWeeks()
