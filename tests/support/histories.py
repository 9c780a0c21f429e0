"""Captures with rows of their own, put straight into the tables: any history, also one that no run would leave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from spine.core.partitions import Partition, capture_id
from spine.core.rejects import Reject
from spine.core.tiers import Tier
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.storage.base import Session, Storage
from spine.storage.ledger import (
    Capture,
    RunStamp,
    Stage,
    find_capture,
    insert_capture,
    record_rejects,
    record_stage,
)
from tests.support.weekly import LINES, PREFIX

START = dt.datetime(2026, 1, 5, 11, tzinfo=dt.UTC)
SUMMARY_TYPE = OTC_TRANSPARENCY.summary_types[0]


def add_history_capture(
    storage: Storage,
    partition: Partition,
    revision: int,
    stages: Iterable[Stage],
    *,
    held: bool = False,
    inputs: Iterable[str] = (),
) -> str:
    """A capture of two lines and a reject, and of a row in the tables of each stage it has finished; its id.

    :param inputs: captures that its rolling figures are said to rest on.
    """
    at = START + dt.timedelta(days=revision)
    storage.room_for(LINES, partition.week_ending)
    with storage.transaction() as session:
        name = capture_id(partition, at)
        insert_capture(session, _opening(partition, name, at, revision, "held" if held else None))
        capture = find_capture(session, name)
        assert capture is not None
        stamp = RunStamp(f"run {revision}", None, at)
        for number, mpid in enumerate(("AAAA", "BBBB"), start=1):
            _insert(session, LINES, _line(capture, number, mpid, 100 * (revision + 1)))
        record_rejects(session, capture, Stage.INGESTED, [Reject(3, "BAD_NUMBER", "many", {})], stamp)
        for stage in stages:
            metrics = {"inputs": {"6": {"window_weeks": 6, "captures": list(inputs)}}} if stage is Stage.ROLLING else {}
            record_stage(session, capture, stage, row_count=2, metrics=metrics, stamp=stamp)
            for table, own in _ROWS.get(stage, {}).items():
                _insert(session, table, {**_common(capture, stamp), **own})
    return name


def _opening(partition: Partition, name: str, at: dt.datetime, revision: int, hold: str | None) -> dict[str, Any]:
    return {
        "capture_id": name,
        "domain": partition.dataset,
        "tier": str(partition.tier),
        "week_ending": partition.week_ending,
        "summary_type": SUMMARY_TYPE,
        "revision": revision,
        "captured_at": at,
        "source_type": "file",
        "source_name": "invented.csv",
        "source_bytes": 1000,
        "source_sha256": f"{revision:064}",
        "content_hash": f"{revision:064}",
        "line_count": 3,
        "parsed_count": 2,
        "rejected_count": 1,
        "is_forced": 0,
        "hold_reason": hold,
        "execution_id": f"run {revision}",
        "batch_id": None,
    }


def _line(capture: Capture, number: int, mpid: str, shares: int) -> dict[str, Any]:
    return {
        "capture_no": capture.capture_no,
        "line_number": number,
        "symbol": "SYMB",
        "mpid": mpid,
        "issue_name": "Invented Inc",
        "venue_name": f"{mpid} VENUE",
        "total_shares": shares,
        "total_trades": 5,
    }


def _common(capture: Capture, stamp: RunStamp) -> dict[str, Any]:
    return {
        "week_ending": capture.partition.week_ending,
        "tier": str(capture.partition.tier),
        "summary_type": capture.summary_type,
        "symbol": "SYMB",
        "capture_id": capture.capture_id,
        "captured_at": capture.captured_at,
        "execution_id": stamp.execution_id,
        "calculated_at": stamp.now,
    }


_ROWS: Mapping[Stage, Mapping[str, Mapping[str, Any]]] = {
    Stage.AGGREGATED: {
        f"{PREFIX}_symbol_summary": {"total_volume": 7, "total_trades": 10, "venue_count": 2, "avg_trade_size": 0.7},
        f"{PREFIX}_concentration": {
            "hhi": 0.5, "venue_count": 2, "total_symbol_volume": 7, "top_venue": "AAAA", "top_venue_share": 0.5,
            "top_3_venue_share": 1.0,
        },
    },
    Stage.ROLLING: {
        f"{PREFIX}_symbol_rolling": {
            "window_weeks": 6, "avg_volume": 7.0, "avg_trades": 10.0, "min_volume": 7, "max_volume": 7,
            "first_week": dt.date(2025, 1, 3), "weeks_in_window": 1, "weeks_loaded": 1, "is_complete": 0,
            "input_min_capture_id": "", "input_max_capture_id": "", "input_min_captured_at": START,
            "input_max_captured_at": START,
        },
    },
}  # fmt: skip


def _insert(session: Session, table: str, values: Mapping[str, Any]) -> None:
    marks = ", ".join(f":{name}" for name in values)
    session.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", values)


def partition_of(week: int, tier: Tier = Tier.T1) -> Partition:
    """The n-th week of a history."""
    return Partition(OTC_TRANSPARENCY.name, tier, dt.date(2025, 10, 3) + dt.timedelta(weeks=week))
