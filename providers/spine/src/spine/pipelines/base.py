"""What a pipeline is: a named unit of work that turns a step's world into a receipt."""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol

from spine.core.errors import ConfigurationError, ValidationError
from spine.core.partitions import Partition
from spine.core.results import StepResult
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending
from spine.finra.dataset import Dataset
from spine.pipelines.context import StepContext
from spine.storage.ledger import Capture, find_capture, newest_capture


class Pipeline(Protocol):
    """Registered in spine.pipelines.registry under its name."""

    name: str
    description: str

    def run(self, context: StepContext) -> StepResult:
        """Do the work; raise a SpineError when it cannot be done."""


def given_tier(context: StepContext) -> Tier | None:
    """The tier a run asks for, or None."""
    tier = context.params.get("tier")
    return Tier.parse(tier) if tier else None


def given_week(context: StepContext) -> dt.date | None:
    """The week a run asks for, or None: the newest."""
    week = context.params.get("week_ending")
    return parse_week_ending(week) if week else None


def given_summary_type(context: StepContext, dataset: Dataset) -> str:
    """FINRA's ``summaryTypeCode`` that a run asks for, else the dataset's own.

    :raises ValidationError: the dataset has no such view.
    """
    given = context.params.get("summary_type")
    return dataset.summary_type(str(given) if given else None)


def current_capture(context: StepContext, dataset: Dataset) -> Capture:
    """The capture a later step works on: the one an earlier step speaks of, else the partition's newest.

    :raises ConfigurationError: neither is there. :raises ValidationError: its rows were pruned.
    """
    for receipt in reversed(list(context.outputs.values())):
        if receipt and (capture_id := receipt.get("capture_id")):
            capture = find_capture(context.storage, str(capture_id))
            if capture is not None:
                return _with_its_rows(capture)
    tier, week_ending = given_tier(context), given_week(context)
    if tier is None or week_ending is None:
        raise ValidationError("which capture? No earlier step names one; pass tier and week_ending")
    partition = Partition(dataset.name, tier, week_ending)
    capture = newest_capture(context.storage, partition, given_summary_type(context, dataset))
    if capture is None:
        raise ConfigurationError(f"nothing is ingested for {partition}; run {dataset.name}.ingest_week first")
    return _with_its_rows(capture)


def _with_its_rows(capture: Capture) -> Capture:
    if capture.pruned_at is not None:
        raise ValidationError(
            f"the rows of {capture.capture_id} were pruned on {capture.pruned_at:%Y-%m-%d}, so nothing can be computed from "
            "them; work on the newest capture of that week"
        )
    return capture


def place_of_capture(capture: Capture) -> dict[str, Any]:
    """For errors: which one was worked on."""
    partition = capture.partition
    return {"tier": partition.tier, "week_ending": partition.week_ending, "capture_id": capture.capture_id}


def lease_key(partition: Partition) -> str:
    return f"partition:{partition}"
