"""The ledger: captures, the stages each has finished, and the lines that were refused.

Every function takes a session (or a storage, to read) and never commits: a stage's rows and its manifest row stand or
fall together.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from spine.core.errors import LoadError
from spine.core.partitions import Partition
from spine.core.rejects import Reject
from spine.core.tiers import Tier
from spine.core.weeks import parse_date
from spine.storage.base import Session, Storage

if TYPE_CHECKING:
    import pyarrow as pa

REJECTS_TABLE = "core_rejects"
QUARANTINED = "QUARANTINED"
"""Stage of the rejects that a gate makes, between INGESTED and NORMALIZED."""


class Stage(StrEnum):
    """How far a capture has come, in order."""

    INGESTED = "INGESTED"
    NORMALIZED = "NORMALIZED"
    AGGREGATED = "AGGREGATED"
    ROLLING = "ROLLING"

    @property
    def rank(self) -> int:
        return list(Stage).index(self) + 1


class HoldKind(StrEnum):
    """Who keeps a capture out of the ``_latest`` views: its gates have not spoken yet; one held it, and a person may let it
    pass; one failed it, and only other content or other rules help; or a person."""

    STAGED = "staged"
    GATE = "gate"
    FAILED = "failed"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Capture:
    """One observation of one partition.

    :param hold_kind: of a held one; None where readers may see it.
    :param pruned_at: when retention removed its rows; None while they are there.
    """

    capture_no: int
    capture_id: str
    partition: Partition
    summary_type: str
    revision: int
    captured_at: dt.datetime
    source_name: str
    source_bytes: int
    source_sha256: str
    content_hash: str
    line_count: int
    parsed_count: int
    rejected_count: int
    hold_reason: str | None
    hold_kind: str | None
    pruned_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class RunStamp:
    """Who writes, and when: on every row of the ledger."""

    execution_id: str
    batch_id: str | None
    now: dt.datetime


_CAPTURE = (
    "SELECT capture_no, capture_id, domain, tier, week_ending, summary_type, revision, captured_at, source_name, "
    "source_bytes, source_sha256, content_hash, line_count, parsed_count, rejected_count, hold_reason, hold_kind, "
    "pruned_at FROM core_captures "
)
_SAME = "WHERE domain = :domain AND tier = :tier AND week_ending = :week_ending AND summary_type = :summary_type "


def captures_of(reader: Session | Storage, partition: Partition, summary_type: str) -> list[Capture]:
    """Every capture of a partition, the newest first, whatever stage it has reached, held or not."""
    rows = reader.query(_CAPTURE + _SAME + "ORDER BY revision DESC", _partition_values(partition, summary_type))
    return [_capture(row) for row in rows]


def newest_capture(reader: Session | Storage, partition: Partition, summary_type: str) -> Capture | None:
    """The newest capture of a partition, or None."""
    return next(iter(captures_of(reader, partition, summary_type)), None)


def find_capture(reader: Session | Storage, capture_id: str) -> Capture | None:
    """A capture by its id."""
    row = reader.query(_CAPTURE + "WHERE capture_id = :capture_id", {"capture_id": capture_id}).first
    return _capture(row) if row else None


def insert_capture(session: Session, values: Mapping[str, Any]) -> int:
    """Write a capture row (all columns but ``capture_no``); its number."""
    columns = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    session.execute(f"INSERT INTO core_captures ({columns}) VALUES ({marks})", values)  # names come from our code
    sql = "SELECT capture_no FROM core_captures WHERE capture_id = :capture_id"
    return int(session.query(sql, {"capture_id": values["capture_id"]}).scalar)


def finish_capture(session: Session, capture_id: str, values: Mapping[str, Any]) -> None:
    """Fill in what is only known after the last line: counts and hashes."""
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    session.execute(
        f"UPDATE core_captures SET {assignments} WHERE capture_id = :capture_id", {**values, "capture_id": capture_id}
    )


def set_hold(session: Session | Storage, capture_id: str, reason: str | None, kind: HoldKind = HoldKind.GATE) -> None:
    """Keep a capture out of the ``_latest`` views, or (None) let it in again."""
    session.execute(
        "UPDATE core_captures SET hold_reason = :reason, hold_kind = :kind WHERE capture_id = :capture_id",
        {"reason": reason, "kind": None if reason is None else str(kind), "capture_id": capture_id},
    )


def stage_metrics(reader: Session | Storage, capture_id: str, stage: Stage) -> dict[str, Any] | None:
    """The metrics a stage recorded when it finished (with ``row_count``), or None when it has not."""
    row = reader.query(
        "SELECT row_count, metrics_json FROM core_manifest WHERE capture_id = :capture_id AND stage = :stage",
        {"capture_id": capture_id, "stage": str(stage)},
    ).first
    return {**json.loads(row["metrics_json"]), "row_count": row["row_count"]} if row else None


def finished_stages(reader: Session | Storage, capture_id: str) -> dict[Stage, dict[str, Any]]:
    """What ``stage_metrics`` gives, for every stage that a capture has finished."""
    rows = reader.query(
        "SELECT stage, row_count, metrics_json FROM core_manifest WHERE capture_id = :capture_id",
        {"capture_id": capture_id},
    ).rows
    return {Stage(stage): {**json.loads(metrics), "row_count": count} for stage, count, metrics in rows}


def record_stage(
    session: Session,
    capture: Capture,
    stage: Stage,
    *,
    row_count: int,
    metrics: Mapping[str, Any],
    stamp: RunStamp,
) -> None:
    """Say that a stage is complete, in the transaction that wrote its rows."""
    session.execute(
        "DELETE FROM core_manifest WHERE capture_id = :capture_id AND stage = :stage",
        {"capture_id": capture.capture_id, "stage": str(stage)},
    )
    session.execute(
        "INSERT INTO core_manifest (domain, partition_key, capture_id, stage, stage_rank, row_count, metrics_json, "
        "execution_id, batch_id, updated_at) VALUES (:domain, :partition_key, :capture_id, :stage, :stage_rank, "
        ":row_count, :metrics, :execution_id, :batch_id, :now)",
        {
            "domain": capture.partition.dataset,
            "partition_key": capture.partition.key,
            "capture_id": capture.capture_id,
            "stage": str(stage),
            "stage_rank": stage.rank,
            "row_count": row_count,
            "metrics": dict(metrics),
            "execution_id": stamp.execution_id,
            "batch_id": stamp.batch_id,
            "now": stamp.now,
        },
    )


class _Partition(Protocol):
    @property
    def dataset(self) -> str: ...
    @property
    def key(self) -> str: ...


class Observation(Protocol):
    """What rejects belong to: a capture, or the load of a table."""

    @property
    def capture_id(self) -> str: ...
    @property
    def partition(self) -> _Partition: ...
    @property
    def source_name(self) -> str: ...


def record_rejects(
    session: Session,
    capture: Observation,
    stage: Stage | str,
    rejects: Sequence[Reject],
    stamp: RunStamp,
) -> None:
    """Write rejects of one stage.

    :raises LoadError: when not every one of them was taken.
    """
    if not rejects:
        return
    same = {
        "domain": capture.partition.dataset,
        "partition_key": capture.partition.key,
        "capture_id": capture.capture_id,
        "stage": str(stage),
        "source_locator": capture.source_name,
        "execution_id": stamp.execution_id,
        "batch_id": stamp.batch_id,
        "created_at": stamp.now,
    }
    loaded = session.bulk_load(REJECTS_TABLE, _reject_batches(rejects, same))
    if loaded != len(rejects):
        raise LoadError(f"{len(rejects)} rejects to record, {loaded} recorded")


def _reject_batches(rejects: Iterable[Reject], same: Mapping[str, Any]) -> Iterable[pa.RecordBatch]:
    import pyarrow as pa

    rows = [
        {
            **same,
            "line_number": reject.line_number,
            "reason_code": reject.reason_code,
            "reason_detail": _storable(reject.reason_detail),
            "raw_json": json.dumps(reject.raw, default=str, ensure_ascii=False),
            "record_key": _storable(reject.record_key),
        }
        for reject in rejects
    ]
    kinds = {"line_number": pa.int64(), "created_at": pa.timestamp("us", "UTC")}
    schema = pa.schema([pa.field(name, kinds.get(name, pa.string())) for name in rows[0]])
    yield pa.RecordBatch.from_pylist(rows, schema=schema)


def _storable(text: str) -> str:
    """Text without NUL, which PostgreSQL refuses; ``raw_json`` keeps it, escaped."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _partition_values(partition: Partition, summary_type: str) -> dict[str, Any]:
    return {
        "domain": partition.dataset,
        "tier": str(partition.tier),
        "week_ending": partition.week_ending,
        "summary_type": summary_type,
    }


def _capture(row: Mapping[str, Any]) -> Capture:
    partition = Partition(row["domain"], Tier(row["tier"]), parse_date(row["week_ending"]))
    same = (
        "capture_no", "capture_id", "summary_type", "revision", "source_name", "source_bytes", "source_sha256",
        "content_hash", "line_count", "parsed_count", "rejected_count", "hold_reason", "hold_kind",
    )  # fmt: skip
    instants: dict[str, Any] = {name: as_instant(row[name]) for name in ("captured_at", "pruned_at")}
    return Capture(partition=partition, **instants, **{name: row[name] for name in same})


def as_instant(value: dt.datetime | str | None) -> dt.datetime | None:
    """An instant as the database gave it, which on SQLite is text."""
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value
