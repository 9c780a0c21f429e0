"""The ledger of tables that are loaded by declaration: one row per load, beside its manifest row and its rejects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spine.core.rejects import Reject
from spine.storage.base import Session, Storage
from spine.storage.ledger import RunStamp, record_rejects
from spine.storage.upsert import MergeCounts

STAGE = "LOADED"


@dataclass(frozen=True, slots=True)
class LoadPartition:
    """What a load replaces or adds to: the values that all its rows share, none for a whole table."""

    dataset: str
    values: Mapping[str, str]

    @property
    def key(self) -> str:
        """Canonical JSON, as stored in ``partition_key`` columns."""
        return json.dumps(dict(self.values), sort_keys=True, separators=(",", ":"))

    def __str__(self) -> str:
        return ":".join((self.dataset, *self.values.values()))


@dataclass(frozen=True, slots=True)
class Load:
    """One load. ``capture_id`` is its id in columns that captures and loads share."""

    capture_id: str
    partition: LoadPartition
    source_name: str


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What a load remembers of its source.

    :param definition_hash: of the declaration: what another one made of the same bytes proves nothing.
    """

    source_type: str
    source_name: str
    definition_hash: str
    byte_count: int = 0
    content_hash: str = ""
    record_count: int = 0
    etag: str = ""
    last_modified: str = ""


def load_id(partition: LoadPartition, stamp: RunStamp) -> str:
    """``dataset:value:...:xxxxxx``, the last part six hex digits of SHA-256 over run and instant."""
    seed = f"{partition.key}|{stamp.execution_id}|{stamp.now.isoformat()}"
    return f"{partition}:{hashlib.sha256(seed.encode()).hexdigest()[:6]}"


def newest_facts(reader: Session | Storage, partition: LoadPartition, table: str) -> SourceFacts | None:
    """What the newest load of a partition remembers, None when there was none."""
    columns = ", ".join(SourceFacts.__slots__)
    row = reader.query(
        f"SELECT {columns} FROM core_loads WHERE domain = :domain AND partition_key = :key AND table_name = :table_name "
        f"ORDER BY loaded_at DESC {reader.dialect.limit(1)}",
        {"domain": partition.dataset, "key": partition.key, "table_name": table},
    ).first
    if row is None:
        return None
    return SourceFacts(**{**row, "etag": row["etag"] or "", "last_modified": row["last_modified"] or ""})


def was_loaded(reader: Session | Storage, partition: LoadPartition, table: str, facts: SourceFacts) -> bool:
    """Whether the same bytes were loaded before, by the same declaration."""
    found = reader.query(
        "SELECT COUNT(*) FROM core_loads WHERE domain = :domain AND partition_key = :key AND table_name = :table_name "
        "AND content_hash = :content_hash AND definition_hash = :definition_hash",
        {
            "domain": partition.dataset,
            "key": partition.key,
            "table_name": table,
            "content_hash": facts.content_hash,
            "definition_hash": facts.definition_hash,
        },
    )
    return int(found.scalar) > 0


def record_load(
    session: Session,
    load: Load,
    *,
    table: str,
    mode: str,
    facts: SourceFacts,
    counts: MergeCounts,
    rejects: Sequence[Reject],
    stamp: RunStamp,
) -> None:
    """Write it all, in the transaction of the rows."""
    _insert(
        session,
        "core_loads",
        {
            "load_id": load.capture_id,
            "domain": load.partition.dataset,
            "partition_key": load.partition.key,
            "table_name": table,
            "load_mode": mode,
            **asdict(facts),
            "etag": facts.etag or None,
            "last_modified": facts.last_modified or None,
            "rejected_count": len(rejects),
            **{f"{name}_count": number for name, number in asdict(counts).items()},
            "execution_id": stamp.execution_id,
            "batch_id": stamp.batch_id,
            "loaded_at": stamp.now,
        },
    )
    _insert(
        session,
        "core_manifest",
        {
            "domain": load.partition.dataset,
            "partition_key": load.partition.key,
            "capture_id": load.capture_id,
            "stage": STAGE,
            "stage_rank": 1,
            "row_count": counts.inserted + counts.updated + counts.unchanged,
            "metrics_json": {"table": table, "mode": mode, **asdict(counts), "rejected": len(rejects)},
            "execution_id": stamp.execution_id,
            "batch_id": stamp.batch_id,
            "updated_at": stamp.now,
        },
    )
    record_rejects(session, load, STAGE, rejects, stamp)


def _insert(session: Session, table: str, values: Mapping[str, Any]) -> None:
    columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    session.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)  # names come from our code
