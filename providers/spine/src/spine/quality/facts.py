"""What the ledger knows of a capture and no query over its rows would tell; JSON-ready, for expectations that ask for it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

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
_KEPT = """
SELECT COUNT(*) AS known,
       SUM(CASE WHEN EXISTS (SELECT 1 FROM {lines} l WHERE l.capture_no = :capture_no AND l.symbol = s.symbol)
           THEN 1 ELSE 0 END) AS kept
FROM {prefix}_symbol_summary s WHERE s.capture_id = :before"""


def read_facts(reader: Session | Storage, capture: Capture, dataset: Dataset = OTC_TRANSPARENCY) -> dict[str, Any]:
    """``parsed`` and ``refused`` lines, ``columns`` of the source and of the capture before it, and how many of the symbols of
    the week before (``symbols_before``) are there again (``symbols_kept``)."""
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
        return {"week_before": None, "symbols_before": 0, "symbols_kept": 0}
    kept = reader.query(
        _KEPT.format(lines=dataset.lines_table, prefix=dataset.sql_folder),
        {"capture_no": capture.capture_no, "before": before["capture_id"]},
    ).first
    assert kept is not None
    return {
        "week_before": str(before["week_ending"]),
        "symbols_before": int(kept["known"]),
        "symbols_kept": int(kept["kept"] or 0),
    }
