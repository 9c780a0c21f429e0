"""Which captures' rows are no longer needed, and their removal.

A capture's rows may go once readers see a newer one instead. The capture itself, its stages and what it changed stay, so
that its content is known again and the ledger adds up. Never to go: the newest captures of a partition, what readers see at
any stage, what is held (somebody has to decide), and what the newest rolling figures rest on.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from spine.core.partitions import Partition
from spine.core.tiers import Tier
from spine.core.weeks import parse_date
from spine.storage.base import Session, Storage
from spine.storage.ledger import RunStamp, Stage, as_instant

_CAPTURES = """
SELECT c.capture_no, c.capture_id, c.tier, c.week_ending, c.summary_type, c.revision, c.captured_at, c.hold_reason, c.pruned_at
FROM core_captures c WHERE {where} ORDER BY c.tier, c.week_ending, c.summary_type, c.revision"""
_STAGES = """
SELECT c.capture_id, m.stage FROM core_captures c JOIN core_manifest m ON m.capture_id = c.capture_id WHERE {where}"""
_ROLLING = """
SELECT c.capture_id, m.metrics_json FROM core_captures c JOIN core_manifest m ON m.capture_id = c.capture_id
WHERE m.stage = 'ROLLING' AND {where}"""
_SOME = 200  # captures in one statement


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger says of a capture, as far as retention asks.

    :param inputs: the captures that its rolling figures rest on.
    """

    capture_no: int
    capture_id: str
    partition: Partition
    summary_type: str
    revision: int
    captured_at: dt.datetime
    held: bool
    pruned: bool
    stages: frozenset[Stage]
    inputs: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[Partition, str]:
        """What its revisions are counted in."""
        return self.partition, self.summary_type


@dataclass(frozen=True, slots=True)
class Superseded:
    """A capture that may go, and the one that readers see since ``at`` instead."""

    entry: Entry
    by: str
    at: dt.datetime


def read_entries(
    reader: Session | Storage,
    domain: str,
    *,
    tier: Tier | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> list[Entry]:
    """The ledger's captures by partition, oldest revision first; of the weeks ``first`` to ``last`` when given."""
    values = {"tier": str(tier) if tier else None, "first": first, "last": last}
    given = {name: value for name, value in values.items() if value is not None}
    conditions = {"tier": "c.tier = :tier", "first": "c.week_ending >= :first", "last": "c.week_ending <= :last"}
    where = " AND ".join(["c.domain = :domain", *(conditions[name] for name in given)])
    params = {"domain": domain, **given}
    stages: dict[str, set[Stage]] = {}
    for row in reader.query(_STAGES.format(where=where), params):
        stages.setdefault(row["capture_id"], set()).add(Stage(row["stage"]))
    inputs = {
        row["capture_id"]: _inputs(json.loads(row["metrics_json"]))
        for row in reader.query(_ROLLING.format(where=where), params)
    }
    none: frozenset[str] = frozenset()
    return [
        _entry(row, domain, frozenset(stages.get(row["capture_id"], ())), inputs.get(row["capture_id"], none))
        for row in reader.query(_CAPTURES.format(where=where), params)
    ]


def superseded(entries: Iterable[Entry], *, keep: int = 1) -> list[Superseded]:
    """The captures that may go, of whatever age.

    :param entries: by partition, oldest revision first, with those of every later week whose rolling figures may rest on them.
    :param keep: how many of a partition's newest captures stay in any case, at least 1.
    """
    partitions = [list(found) for _, found in groupby(entries, key=lambda entry: entry.key)]
    needed = {name for captures in partitions if (shown := _shown(captures, Stage.ROLLING)) for name in shown.inputs}
    return [
        Superseded(entry, by.capture_id, by.captured_at)
        for captures in partitions
        for entry in captures[: -max(keep, 1)]
        if not (entry.held or entry.pruned or entry.capture_id in needed)
        if (by := _successor(entry, captures))
    ]


def count_rows(
    reader: Session | Storage, entries: Sequence[Entry], tables: Mapping[str, str]
) -> dict[str, dict[str, int]]:
    """Rows by capture id and table.

    :param tables: each with the column that tells its captures apart, ``capture_no`` or ``capture_id``.
    """
    found: dict[str, dict[str, int]] = {entry.capture_id: dict.fromkeys(tables, 0) for entry in entries}
    for start in range(0, len(entries), _SOME):
        some = entries[start : start + _SOME]
        for table, column in tables.items():
            names = {getattr(entry, column): entry.capture_id for entry in some}
            for key, rows in _count(reader, table, column, list(names)):
                found[names[key]][table] = rows
    return found


def lock_partition(session: Session, entry: Entry) -> None:
    """Keep the captures of a partition as they are for this transaction: nobody holds or releases one meanwhile."""
    session.execute(
        "UPDATE core_captures SET hold_reason = hold_reason WHERE domain = :domain AND tier = :tier "
        "AND week_ending = :week_ending AND summary_type = :summary_type",
        {
            "domain": entry.partition.dataset,
            "tier": str(entry.partition.tier),
            "week_ending": entry.partition.week_ending,
            "summary_type": entry.summary_type,
        },
    )


def remove_rows(
    session: Session, going: Superseded, tables: Mapping[str, str], who: str, stamp: RunStamp
) -> dict[str, int]:
    """Delete a capture's rows and write down that, and by whom; the rows by table.

    :param tables: as for ``count_rows``.
    """
    entry = going.entry
    rows = {
        table: session.execute(f"DELETE FROM {table} WHERE {column} = :key", {"key": getattr(entry, column)})
        for table, column in tables.items()
    }
    session.execute(
        "UPDATE core_captures SET pruned_at = :now WHERE capture_id = :capture_id",
        {"now": stamp.now, "capture_id": entry.capture_id},
    )
    session.execute(
        "INSERT INTO core_prunes (capture_id, domain, partition_key, superseded_by, row_count, rows_json, pruned_by, "
        "execution_id, pruned_at) VALUES (:capture_id, :domain, :partition_key, :by, :row_count, :rows, :who, "
        ":execution_id, :now)",
        {
            "capture_id": entry.capture_id,
            "domain": entry.partition.dataset,
            "partition_key": entry.partition.key,
            "by": going.by,
            "row_count": sum(rows.values()),
            "rows": rows,
            "who": who,
            "execution_id": stamp.execution_id,
            "now": stamp.now,
        },
    )
    return rows


def _entry(row: Mapping[str, Any], domain: str, stages: frozenset[Stage], inputs: frozenset[str]) -> Entry:
    captured_at = as_instant(row["captured_at"])
    assert captured_at is not None
    return Entry(
        capture_no=int(row["capture_no"]),
        capture_id=row["capture_id"],
        partition=Partition(domain, Tier(row["tier"]), parse_date(row["week_ending"])),
        summary_type=row["summary_type"],
        revision=int(row["revision"]),
        captured_at=captured_at,
        held=row["hold_reason"] is not None,
        pruned=row["pruned_at"] is not None,
        stages=stages,
        inputs=inputs,
    )


def _inputs(metrics: Mapping[str, Any]) -> frozenset[str]:
    """Of every window that was computed."""
    return frozenset(name for window in metrics.get("inputs", {}).values() for name in window["captures"])


def _shown(captures: Iterable[Entry], stage: Stage) -> Entry | None:
    """What readers see of a partition at a stage: core_latest."""
    seen = [each for each in captures if stage in each.stages and not (each.held or each.pruned)]
    return seen[-1] if seen else None


def _successor(entry: Entry, captures: Sequence[Entry]) -> Entry | None:
    """The capture since which readers see another one than this at every stage; None while they see this at one of them."""
    newer = [each for each in captures if each.revision > entry.revision and not each.held]
    firsts = []
    for stage in entry.stages:
        if (shown := _shown(captures, stage)) is None or shown.revision <= entry.revision:
            return None
        firsts.append(next(each for each in newer if stage in each.stages))
    return max(firsts, key=lambda each: each.revision, default=None)


def _count(reader: Session | Storage, table: str, column: str, keys: Sequence[Any]) -> Iterator[tuple[Any, int]]:
    values = {f"key_{number}": key for number, key in enumerate(keys)}
    marks = ", ".join(f":{name}" for name in values)
    sql = (
        f"SELECT {column} AS capture, COUNT(*) AS row_count FROM {table} WHERE {column} IN ({marks}) GROUP BY {column}"
    )
    return ((row["capture"], int(row["row_count"])) for row in reader.query(sql, values))
