"""The console's pages about quality: scores, what is open, what a gate said. To read; deciding is for commands and the API."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from spine.console.rendering import HEADERS, page
from spine.console.requests import Asked, AskedRange
from spine.console.storage import domain_storage
from spine.core.weeks import newest_published, parse_date
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.pipelines.context import utc_now
from spine.quality.anomalies import read_anomalies
from spine.quality.assessment.stored import read_scores
from spine.quality.coverage import asked_weeks, captured_series
from spine.quality.gate_history import AskedResults, read_results
from spine.quality.gate_results import read_page
from spine.quality.readiness import read_readiness
from spine.quality.rejects import AskedRejects, count_rejects

router = APIRouter(include_in_schema=False)

_MOST = 1000
_OPEN = 50
# Great Expectations' page brings a style sheet of its own, and nothing else.
_ITS_STYLE = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
}
_READY = {
    "certified": "★",
    "ready": "✓",
    "preliminary": "○",
    "blocked": "✕",
    "not available": "·",
}


@router.get("/quality", response_class=HTMLResponse)
def quality_page(
    asked: Asked, summary_type: Annotated[str | None, Query(description="FINRA's series")] = None
) -> HTMLResponse:
    """Grades of the last weeks, which of them may be relied on, and what is open."""
    now, series = utc_now(), OTC_TRANSPARENCY.summary_type(summary_type)
    with domain_storage() as storage:
        weeks = asked_weeks(asked.tiers, weeks=asked.weeks, start=asked.start, end=asked.end, now=now)[::-1]
        scores = {
            (row["tier"], parse_date(row["week_ending"])): row
            for row in read_scores(storage, summary_type=series, limit=_MOST)
        }
        ready = {
            (str(each.tier), each.week_ending): each
            for each in read_readiness(storage, now, _back(weeks[-1], asked, now), asked.tiers, series)
        }
        return page(
            "quality.html",
            weeks=weeks,
            tiers=asked.tiers,
            series=series,
            captured=captured_series(storage),
            scores=scores,
            ready=ready,
            signs=_READY,
            anomalies=read_anomalies(storage, limit=_OPEN),
            reasons=count_rejects(storage, AskedRejects(), _OPEN),
            most=_OPEN,
            assessed=max((str(row["assessed_at"])[:16].replace("T", " ") for row in scores.values()), default=""),
        )


def _back(oldest: dt.date, asked: AskedRange, now: dt.datetime) -> int:
    """How many weeks from the newest published one to the oldest that is shown."""
    newest = max(newest_published(tier, now) for tier in asked.tiers)
    return max((newest - oldest).days // 7 + 1, 1)


@router.get("/gates", response_class=HTMLResponse)
def gates_page(
    run_id: Annotated[str, Query(description="Airflow's run")] = "",
    capture_id: Annotated[str, Query(description="A capture")] = "",
    suite: str = "",
) -> HTMLResponse:
    """What the gates of a run or of a capture said, each rule with what it saw."""
    if not run_id and not capture_id:
        raise HTTPException(400, "which gates? Give run_id or capture_id")
    with domain_storage() as storage:
        rows = read_results(storage, AskedResults(run_id=run_id, capture_id=capture_id, suite=suite), _MOST)
    rows.sort(key=lambda row: (row["capture_id"], str(row["suite"]), str(row["execution_id"])))
    said = [
        (capture, name or "", list(found))
        for (capture, name), found in groupby(rows, key=lambda row: (row["capture_id"], row["suite"]))
    ]
    return page("gates.html", said=said, run_id=run_id, capture_id=capture_id)


@router.get("/gates/page", response_class=HTMLResponse)
def great_expectations_page(capture_id: str, suite: str) -> HTMLResponse:
    """Great Expectations' own page of what a gate said last of a capture."""
    with domain_storage() as storage:
        text = read_page(storage, capture_id, suite)
    if text is None:
        raise HTTPException(404, f"no gate of {suite!r} has judged {capture_id!r}")
    return HTMLResponse(text, headers=_ITS_STYLE)
