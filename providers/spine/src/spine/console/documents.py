"""Coverage and captures as JSON documents: dates as ISO text, states and stages by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spine.console.runs import RunLink
from spine.quality.coverage import Cell, Coverage
from spine.quality.gaps import gaps, remedies
from spine.quality.history import CaptureHistory

Links = Mapping[str, RunLink]


def coverage_document(seen: Coverage) -> dict[str, Any]:
    """The matrix, newest week first, with the commands that close its gaps."""
    return {
        "dataset": seen.dataset,
        "checked_at": seen.checked_at.isoformat(timespec="seconds"),
        "tiers": [str(tier) for tier in seen.tiers],
        "weeks": [
            {"week_ending": week.isoformat(), "cells": [cell_document(cell) for cell in cells]}
            for week, cells in seen.by_week()
        ],
        "remediation": [
            {"command": remedy.command, "args": list(remedy.args), "reason": remedy.reason}
            for remedy in remedies(gaps(seen))
        ],
    }


def cell_document(cell: Cell) -> dict[str, Any]:
    newest = cell.newest
    return {
        "tier": str(cell.tier),
        "week_ending": cell.week_ending.isoformat(),
        "published_at": cell.published_at.isoformat(),
        "state": str(cell.state),
        "revisions": cell.revisions,
        "readable": cell.published,
        "missing_stages": [str(stage) for stage in cell.missing],
        "newest": newest
        and {
            "capture_id": newest.capture_id,
            "captured_at": newest.captured_at.isoformat(),
            "parsed": newest.parsed_count,
            "rejected": newest.rejected_count,
            "hold_reason": newest.hold_reason,
            "stages": [str(stage) for stage in newest.stages],
        },
    }


def capture_document(history: CaptureHistory, links: Links) -> dict[str, Any]:
    """One capture; ``shares`` is a number when whole, else exact decimal text."""
    capture = history.capture
    return {
        "capture_id": capture.capture_id,
        "revision": capture.revision,
        "captured_at": capture.captured_at.isoformat(),
        "source": capture.source_name,
        "source_bytes": capture.source_bytes,
        "lines": capture.line_count,
        "parsed": capture.parsed_count,
        "rejected": capture.rejected_count,
        "shares": history.shares,
        "trades": history.trades,
        "hold_reason": capture.hold_reason,
        "pruned_at": capture.pruned_at and capture.pruned_at.isoformat(),
        "rejects": [
            {"stage": str(each.stage), "reason_code": each.reason_code, "count": each.row_count}
            for each in history.rejects
        ],
        "stages": [
            {
                "stage": str(each.stage),
                "rows": each.row_count,
                "finished_at": each.finished_at.isoformat(),
                "execution_id": each.execution_id,
                "run": (link := links.get(each.execution_id)) and {"dag_id": link.dag_id, "run_id": link.run_id},
            }
            for each in history.stages
        ],
    }
