"""What both the pages and the API read, once, in a thread of the server."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from spine.console.storage import domain_storage
from spine.core.partitions import Partition
from spine.core.tiers import Tier
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.quality.coverage import Cell, Coverage, coverage
from spine.quality.history import CaptureHistory, partition_history

if TYPE_CHECKING:
    from spine.console.requests import AskedRange


def read_coverage(asked: AskedRange) -> Coverage:
    """The matrix as it is now."""
    with domain_storage() as storage:
        return coverage(
            storage, tiers=asked.tiers, weeks=asked.weeks, start=asked.start, end=asked.end, now=dt.datetime.now(dt.UTC)
        )


def read_cell(tier: Tier, week_ending: dt.date) -> tuple[Cell, list[CaptureHistory]]:
    """One week of one tier, and its captures, the newest first."""
    with domain_storage() as storage:
        seen = coverage(storage, tiers=[tier], weeks=1, end=week_ending, now=dt.datetime.now(dt.UTC))
        return seen.cells[0], partition_history(storage, Partition(OTC_TRANSPARENCY.name, tier, week_ending))


def newest_captured_week() -> dt.date | None:
    """The newest week that any tier has a capture of."""
    with domain_storage() as storage:
        newest = storage.query(
            "SELECT MAX(week_ending) FROM core_captures WHERE domain = :domain", {"domain": OTC_TRANSPARENCY.name}
        ).scalar
        return dt.date.fromisoformat(newest) if isinstance(newest, str) else newest
