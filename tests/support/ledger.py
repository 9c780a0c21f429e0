"""Captures written straight into the ledger: for tests of what reads it, without the rows behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from spine.core.partitions import Partition, capture_id
from spine.core.tiers import Tier
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.storage.base import Session, Storage
from spine.storage.ledger import RunStamp, Stage, find_capture, insert_capture, record_stage

ALL = tuple(Stage)
THREE = ALL[:3]


def add_capture(
    storage: Storage,
    tier: Tier,
    week_ending: dt.date,
    stages: Iterable[Stage] = THREE,
    *,
    revision: int = 0,
    held: str | None = None,
    rows: int = 10,
    run_id: str = "test",
) -> str:
    """A capture that has finished ``stages``; its id."""
    at = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC) + dt.timedelta(minutes=revision)
    partition = Partition(OTC_TRANSPARENCY.name, tier, week_ending)
    with storage.transaction() as session:
        insert_capture(session, _values(partition, at, revision, held, rows, run_id))
        _finish(session, capture_id(partition, at), stages, rows, RunStamp(run_id, None, at))
    return capture_id(partition, at)


def _values(
    partition: Partition, at: dt.datetime, revision: int, held: str | None, rows: int, run_id: str
) -> dict[str, object]:
    return {
        "capture_id": capture_id(partition, at),
        "domain": partition.dataset,
        "tier": str(partition.tier),
        "week_ending": partition.week_ending,
        "summary_type": OTC_TRANSPARENCY.summary_types[0],
        "revision": revision,
        "captured_at": at,
        "source_type": "file",
        "source_name": "made/up.csv",
        "source_bytes": 1000,
        "source_sha256": f"{revision:064}",
        "content_hash": f"{revision:064}",
        "line_count": rows,
        "parsed_count": rows,
        "rejected_count": 0,
        "is_forced": 0,
        "hold_reason": held,
        "execution_id": run_id,
        "batch_id": None,
    }


def _finish(session: Session, name: str, stages: Iterable[Stage], rows: int, stamp: RunStamp) -> None:
    capture = find_capture(session, name)
    assert capture is not None
    for stage in stages:
        metrics = {"shares": 1234, "trades": 56} if stage is Stage.NORMALIZED else {}
        record_stage(session, capture, stage, row_count=rows, metrics=metrics, stamp=stamp)
