"""Does the ledger tell the truth? What it says of each capture, held against the rows that are there."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spine.core.tiers import Tier
from spine.core.weeks import parse_date
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.normalize import plain_number
from spine.quality.coverage import tier_params
from spine.storage.base import Session, Storage
from spine.storage.ledger import QUARANTINED, Stage

_OF_WEEKS = "c.domain = :domain AND c.tier IN ({tiers}) AND c.week_ending BETWEEN :first AND :last"

# One row for each capture of the weeks; every join goes by the other table's key.
_CAPTURES = """
SELECT c.capture_id, c.tier, c.week_ending, c.line_count, c.parsed_count, c.rejected_count, c.pruned_at
FROM core_captures c WHERE {of_weeks} ORDER BY c.week_ending, c.tier, c.revision"""
_MANIFEST = """
SELECT c.capture_id, m.stage, m.row_count, m.metrics_json
FROM core_captures c JOIN core_manifest m ON m.capture_id = c.capture_id WHERE {of_weeks}"""
_REJECTS = """
SELECT c.capture_id, r.stage, COUNT(*) AS row_count
FROM core_captures c JOIN core_rejects r ON r.capture_id = c.capture_id WHERE {of_weeks}
GROUP BY c.capture_id, r.stage"""
_LINES = """
SELECT c.capture_id, COUNT(*) AS row_count, SUM(CASE WHEN l.reason_code IS NULL THEN 1 ELSE 0 END) AS accepted
FROM core_captures c JOIN {prefix}_lines l ON l.capture_no = c.capture_no WHERE {of_weeks}
GROUP BY c.capture_id"""
_SUMMARIES = """
SELECT c.capture_id, COUNT(*) AS row_count, ROUND(SUM(s.total_volume), 6) AS volume
FROM core_captures c JOIN {prefix}_symbol_summary s ON s.capture_id = c.capture_id WHERE {of_weeks}
GROUP BY c.capture_id"""
_ROLLING = """
SELECT c.capture_id, COUNT(*) AS row_count
FROM core_captures c JOIN {prefix}_symbol_rolling s ON s.capture_id = c.capture_id WHERE {of_weeks}
GROUP BY c.capture_id"""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something about a capture that is not as the ledger says."""

    capture_id: str
    tier: Tier
    week_ending: dt.date
    message: str


def reconcile(
    storage: Session | Storage,
    tiers: Iterable[Tier],
    first: dt.date,
    last: dt.date,
    *,
    dataset: Dataset = OTC_TRANSPARENCY,
) -> list[Discrepancy]:
    """Every capture of the weeks ``first`` to ``last``: counts of lines, rejects and derived rows, and the shares that were
    normalized against those that were summed up."""
    marks, values = tier_params(tiers)
    params = {"domain": dataset.name, "first": first, "last": last, **values}
    facts = _Facts.read(storage, {"prefix": dataset.sql_folder, "of_weeks": _OF_WEEKS.format(tiers=marks)}, params)
    return [
        Discrepancy(row["capture_id"], Tier(row["tier"]), parse_date(row["week_ending"]), message)
        for row in facts.captures
        for message in _wrong(row, facts)
    ]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What was read: rows by capture id, or by capture id and stage."""

    captures: list[dict[str, Any]]
    manifest: Mapping[tuple[str, str], dict[str, Any]]
    rejects: Mapping[tuple[str, str], int]
    lines: Mapping[str, dict[str, Any]]
    summaries: Mapping[str, dict[str, Any]]
    rolling: Mapping[str, dict[str, Any]]

    @classmethod
    def read(cls, storage: Session | Storage, words: Mapping[str, str], params: Mapping[str, Any]) -> _Facts:
        """:param words: what the statements leave open, none of it from outside."""

        def rows(sql: str) -> Iterator[dict[str, Any]]:
            return iter(storage.query(sql.format_map(words), params))

        return cls(
            captures=list(rows(_CAPTURES)),
            manifest={(row["capture_id"], row["stage"]): row for row in rows(_MANIFEST)},
            rejects={(row["capture_id"], row["stage"]): int(row["row_count"]) for row in rows(_REJECTS)},
            lines={row["capture_id"]: row for row in rows(_LINES)},
            summaries={row["capture_id"]: row for row in rows(_SUMMARIES)},
            rolling={row["capture_id"]: row for row in rows(_ROLLING)},
        )

    def metrics(self, capture_id: str, stage: Stage) -> dict[str, Any] | None:
        row = self.manifest.get((capture_id, stage))
        return {**json.loads(row["metrics_json"]), "row_count": int(row["row_count"])} if row else None


def _wrong(capture: Mapping[str, Any], facts: _Facts) -> Iterator[str]:
    """What does not add up, one sentence each."""
    name = capture["capture_id"]
    lines = facts.lines.get(name, {"row_count": 0, "accepted": 0})
    parsed, rejected = int(capture["parsed_count"]), int(capture["rejected_count"])
    yield from _differ("lines read", int(capture["line_count"]), "lines parsed and rejected", parsed + rejected)
    if capture["pruned_at"] is not None:
        yield from _left_of_pruned(name, int(lines["row_count"]), facts)
        return
    yield from _differ("lines stored", int(lines["row_count"]), "lines parsed", parsed)
    yield from _differ("rejects kept", facts.rejects.get((name, Stage.INGESTED), 0), "lines rejected", rejected)
    if facts.metrics(name, Stage.INGESTED) is None:
        yield "rows without stage: no INGESTED in the manifest"
    yield from _wrong_normalized(name, parsed, int(lines["accepted"]), facts)
    yield from _wrong_derived(name, facts)


def _left_of_pruned(name: str, lines: int, facts: _Facts) -> Iterator[str]:
    """Its counts stay in the ledger; its rows are gone on purpose, all of them."""
    rejects = sum(rows for (capture_id, _), rows in facts.rejects.items() if capture_id == name)
    derived = sum(int(found[name]["row_count"]) for found in (facts.summaries, facts.rolling) if name in found)
    if left := lines + rejects + derived:
        yield f"rows of a pruned capture: {left:,} of its lines, rejects and derived rows are still there"


def _wrong_normalized(name: str, parsed: int, accepted: int, facts: _Facts) -> Iterator[str]:
    metrics = facts.metrics(name, Stage.NORMALIZED)
    refused = facts.rejects.get((name, Stage.NORMALIZED), 0) + facts.rejects.get((name, QUARANTINED), 0)
    if metrics is not None:
        yield from _differ("lines without a reject code", accepted, "rows normalized", metrics["row_count"])
        yield from _differ("rows normalized and rejected", metrics["row_count"] + refused, "lines parsed", parsed)
    elif accepted + facts.rejects.get((name, QUARANTINED), 0) != parsed:
        yield "rows without stage: lines are judged, and NORMALIZED is not in the manifest"


def _wrong_derived(name: str, facts: _Facts) -> Iterator[str]:
    for stage, table, found in (
        (Stage.AGGREGATED, "symbol summary", facts.summaries.get(name)),
        (Stage.ROLLING, "rolling", facts.rolling.get(name)),
    ):
        recorded = facts.manifest.get((name, stage))
        if recorded is None and found is not None:
            yield f"rows without stage: {int(found['row_count']):,} {table} rows, and {stage} is not in the manifest"
        elif recorded is not None and found is None:
            yield f"stage without rows: {stage} is in the manifest, and there are no {table} rows"
        elif recorded is not None and found is not None and stage is Stage.AGGREGATED:
            yield from _differ(f"{table} rows", int(found["row_count"]), "rows recorded", int(recorded["row_count"]))
    normalized, summary = facts.metrics(name, Stage.NORMALIZED), facts.summaries.get(name)
    if normalized is not None and summary is not None and plain_number(summary["volume"]) != normalized["shares"]:
        yield f"shares: symbol summary adds up to {plain_number(summary['volume'])}, normalized are {normalized['shares']}"


def _differ(what: str, found: int, than: str, expected: int) -> Iterator[str]:
    if found != expected:
        yield f"{found:,} {what}, {expected:,} {than}"
