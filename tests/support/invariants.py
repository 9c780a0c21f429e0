"""What must be true of the database at any instant, whoever was interrupted at whatever."""

from __future__ import annotations

import json
from typing import Any

from tests.support.weekly import AGGREGATES, LINES, ROLLING, Weekly


def broken_invariants(weekly: Weekly, **where: Any) -> list[str]:
    """Every half-written thing there is, in words.

    :param where: columns of core_captures, to look at some captures only.
    """
    captures = {row["capture_id"]: row for row in weekly.rows("core_captures", **where)}
    stages: dict[str, dict[str, Any]] = {capture_id: {} for capture_id in captures}
    for row in weekly.rows("core_manifest"):
        metrics = {**json.loads(row["metrics_json"]), "row_count": row["row_count"]}
        stages.get(row["capture_id"], {})[row["stage"]] = metrics
    contents = [(row["tier"], str(row["week_ending"]), row["content_hash"]) for row in captures.values()]
    found = ["a content has two captures"] if len(set(contents)) < len(contents) else []
    orphans = weekly.scalar(
        f"SELECT COUNT(*) FROM {LINES} WHERE capture_no NOT IN (SELECT capture_no FROM core_captures)"
    )
    found += [f"{orphans} lines are of no capture"] if orphans else []
    for capture_id, capture in captures.items():
        found += [f"{capture_id}: {words}" for words in _of_capture(weekly, capture, stages[capture_id])]
    return found


def _of_capture(weekly: Weekly, capture: dict[str, Any], stages: dict[str, Any]) -> list[str]:
    ingested, normalized = stages.get("INGESTED"), stages.get("NORMALIZED")
    expected = {
        "parsed": capture["parsed_count"],
        "lines": capture["parsed_count"] + capture["rejected_count"],
        "rejected": capture["rejected_count"],
        "published": normalized["row_count"] if normalized else capture["parsed_count"],
        "refused": normalized["rejected"] if normalized else 0,
        **{
            table: stages["AGGREGATED"]["tables"][_short(table)] if "AGGREGATED" in stages else 0
            for table in AGGREGATES
        },
        ROLLING: stages["ROLLING"]["tables"]["symbol_rolling"] if "ROLLING" in stages else 0,
    }
    found = {
        "parsed": _count(weekly, LINES, "capture_no", capture["capture_no"]),
        "lines": capture["line_count"],
        "rejected": _rejects(weekly, capture["capture_id"], "INGESTED"),
        "published": _count(weekly, f"{LINES} WHERE reason_code IS NULL AND", "capture_no", capture["capture_no"]),
        "refused": _rejects(weekly, capture["capture_id"], "NORMALIZED"),
        **{table: _count(weekly, table, "capture_id", capture["capture_id"]) for table in (*AGGREGATES, ROLLING)},
    }
    words = [
        f"{name} {found[name]}, the ledger says {value}" for name, value in expected.items() if found[name] != value
    ]
    return words + ([] if ingested else ["a capture that is not INGESTED"])


def _count(weekly: Weekly, table: str, column: str, value: Any) -> int:
    where = "" if table.endswith("AND") else " WHERE"
    return int(weekly.scalar(f"SELECT COUNT(*) FROM {table}{where} {column} = :value", value=value))


def _rejects(weekly: Weekly, capture_id: str, stage: str) -> int:
    sql = "SELECT COUNT(*) FROM core_rejects WHERE capture_id = :capture_id AND stage = :stage"
    return int(weekly.scalar(sql, capture_id=capture_id, stage=stage))


def _short(table: str) -> str:
    return table.removeprefix("finra_otc_transparency_")
