"""Every capture of one week of one tier, with what became of its lines."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from spine.core.partitions import Partition
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.storage.base import Session, Storage
from spine.storage.ledger import Capture, Stage, captures_of

_SAME = "c.domain = :domain AND c.tier = :tier AND c.week_ending = :week_ending AND c.summary_type = :summary_type"
_STAGES = f"""
SELECT m.capture_id, m.stage, m.row_count, m.metrics_json, m.execution_id, m.updated_at
FROM core_captures c JOIN core_manifest m ON m.capture_id = c.capture_id WHERE {_SAME}
ORDER BY m.capture_id, m.stage_rank"""
_REJECTS = f"""
SELECT r.capture_id, r.stage, r.reason_code, COUNT(*) AS row_count
FROM core_captures c JOIN core_rejects r ON r.capture_id = c.capture_id WHERE {_SAME}
GROUP BY r.capture_id, r.stage, r.reason_code ORDER BY r.capture_id, r.stage, row_count DESC, r.reason_code"""


@dataclass(frozen=True, slots=True)
class FinishedStage:
    """A stage of a capture: its rows, when it was committed and by which run."""

    stage: Stage
    row_count: int
    finished_at: dt.datetime
    execution_id: str


@dataclass(frozen=True, slots=True)
class RejectCount:
    """How many lines a stage refused for one reason."""

    stage: str
    reason_code: str
    row_count: int


@dataclass(frozen=True, slots=True)
class CaptureHistory:
    """A capture with its stages and rejects.

    :param shares: what was normalized, an integer or exact decimal text; None before that. ``trades`` likewise.
    """

    capture: Capture
    stages: tuple[FinishedStage, ...]
    rejects: tuple[RejectCount, ...]
    shares: int | str | None
    trades: int | None


def partition_history(
    storage: Session | Storage, partition: Partition, *, dataset: Dataset = OTC_TRANSPARENCY, summary_type: str = ""
) -> list[CaptureHistory]:
    """The captures of a partition, the newest first."""
    summary_type = summary_type or dataset.summary_types[0]
    params = {
        "domain": dataset.name,
        "tier": str(partition.tier),
        "week_ending": partition.week_ending,
        "summary_type": summary_type,
    }
    stages = _by_capture(storage, _STAGES, params)
    rejects = _by_capture(storage, _REJECTS, params)
    return [
        _history(capture, stages.get(capture.capture_id, []), rejects.get(capture.capture_id, []))
        for capture in captures_of(storage, partition, summary_type)
    ]


def _by_capture(storage: Session | Storage, sql: str, params: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    rows = groupby(storage.query(sql, params), key=lambda row: str(row["capture_id"]))
    return {capture_id: list(found) for capture_id, found in rows}


def _history(capture: Capture, stages: list[dict[str, Any]], rejects: list[dict[str, Any]]) -> CaptureHistory:
    metrics = {row["stage"]: json.loads(row["metrics_json"]) for row in stages}
    normalized = metrics.get(Stage.NORMALIZED, {})
    return CaptureHistory(
        capture=capture,
        stages=tuple(
            FinishedStage(Stage(row["stage"]), int(row["row_count"]), _instant(row["updated_at"]), row["execution_id"])
            for row in stages
        ),
        rejects=tuple(RejectCount(row["stage"], row["reason_code"], int(row["row_count"])) for row in rejects),
        shares=normalized.get("shares"),
        trades=normalized.get("trades"),
    )


def _instant(value: dt.datetime | str) -> dt.datetime:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value
