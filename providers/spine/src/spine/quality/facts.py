"""What the ledger knows of a capture and no query over its rows would tell; JSON-ready, for expectations that ask for it."""

from __future__ import annotations

import datetime as dt
import json
from statistics import median
from typing import Any

from spine.core.weeks import parse_date, sessions_of
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.storage.base import Session, Storage
from spine.storage.ledger import Capture

_STILL_ALIKE = dt.timedelta(weeks=4)
"""How far back a week may lie whose symbols this one should share."""
_REFUSED = (
    "SELECT COUNT(*) FROM core_rejects WHERE capture_id = :capture_id AND stage = 'INGESTED' "
    "AND reason_code NOT IN ('BLANK_LINE', 'COMMENT_LINE')"
)
_COLUMNS = """
SELECT c.capture_id, m.metrics_json
FROM core_captures c
JOIN core_manifest m ON m.capture_id = c.capture_id AND m.stage = 'INGESTED'
WHERE c.domain = :domain AND c.tier = :tier AND c.summary_type = :summary_type AND c.capture_no <> :capture_no
  AND c.hold_reason IS NULL AND c.captured_at < :captured_at
  AND c.source_type = (SELECT source_type FROM core_captures WHERE capture_no = :capture_no)
ORDER BY c.captured_at DESC """
_WEEK_BEFORE = """
SELECT capture_id, week_ending FROM core_latest
WHERE domain = :domain AND tier = :tier AND summary_type = :summary_type AND stage = 'AGGREGATED'
  AND week_ending < :week_ending AND week_ending >= :first
ORDER BY week_ending DESC """
_KNOWN = "SELECT COUNT(*) FROM {prefix}_symbol_summary WHERE capture_id = :before"
# Symbols of both weeks, with the volume of each. A line without shares or trades is none of a symbol's.
_KEPT = """
SELECT n.volume, s.total_volume AS volume_before
FROM (SELECT symbol, SUM(total_shares) AS volume FROM {lines}
      WHERE capture_no = :capture_no AND total_shares > 0 AND total_trades > 0 GROUP BY symbol) n
JOIN {prefix}_symbol_summary s ON s.capture_id = :before AND s.symbol = n.symbol"""


def read_facts(reader: Session | Storage, capture: Capture, dataset: Dataset = OTC_TRANSPARENCY) -> dict[str, Any]:
    """``parsed`` and ``refused`` lines, ``columns`` of the source and of the capture before it, how many of the symbols of the
    week before (``symbols_before``) are there again (``symbols_kept``), and by what part the volume of the typical one of them
    changed per trading day (``typical_change``: the median; None where there is none)."""
    same = {
        "domain": capture.partition.dataset,
        "tier": str(capture.partition.tier),
        "summary_type": capture.summary_type,
    }
    refused = int(reader.query(_REFUSED, {"capture_id": capture.capture_id}).scalar)
    return {
        "parsed": capture.parsed_count,
        "refused": refused,
        **_columns(reader, capture, same),
        **_symbols(reader, capture, same, dataset),
    }


def _columns(reader: Session | Storage, capture: Capture, same: dict[str, Any]) -> dict[str, Any]:
    own = reader.query(
        "SELECT metrics_json FROM core_manifest WHERE capture_id = :capture_id AND stage = 'INGESTED'",
        {"capture_id": capture.capture_id},
    ).scalar
    params = {**same, "capture_no": capture.capture_no, "captured_at": capture.captured_at}
    before = reader.query(_COLUMNS + reader.dialect.limit(1), params).first
    return {
        "columns": json.loads(own).get("columns") if own else None,
        "columns_before": json.loads(before["metrics_json"]).get("columns") if before else None,
    }


def _symbols(reader: Session | Storage, capture: Capture, same: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    week_ending = capture.partition.week_ending
    params = {**same, "week_ending": week_ending, "first": week_ending - _STILL_ALIKE}
    before = reader.query(_WEEK_BEFORE + reader.dialect.limit(1), params).first
    if before is None:
        return {"week_before": None, "symbols_before": 0, "symbols_kept": 0, "typical_change": None, "holiday": False}
    names = {"lines": dataset.lines_table, "prefix": dataset.sql_folder}
    known = reader.query(_KNOWN.format_map(names), {"before": before["capture_id"]}).scalar
    kept = reader.query(
        _KEPT.format_map(names), {"capture_no": capture.capture_no, "before": before["capture_id"]}
    ).rows
    week_before = parse_date(before["week_ending"])
    days, days_before = len(sessions_of(week_ending)), len(sessions_of(week_before))
    ratios = [float(volume) / float(volume_before) for volume, volume_before in kept]
    return {
        "week_before": week_before.isoformat(),
        "symbols_before": int(known),
        "symbols_kept": len(kept),
        "typical_change": median(ratios) * days_before / days - 1 if ratios and days and days_before else None,
        "holiday": days != days_before,
    }
