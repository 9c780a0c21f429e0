"""The console's JSON: ``/spine/api/v1``. Routes are plain functions, which FastAPI runs in threads: reading blocks."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Request

from spine.console.documents import capture_document, cell_document, coverage_document
from spine.console.reading import read_cell, read_coverage
from spine.console.requests import Asked
from spine.console.runs import run_links
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending

router = APIRouter()


@router.get("/coverage")
def get_coverage(asked: Asked) -> dict[str, Any]:
    """Weeks by tiers, each with its state, and the commands that close the gaps."""
    return coverage_document(read_coverage(asked))


@router.get("/coverage/{tier}/{week}")
def get_cell(tier: str, week: str, user: GetUserDep, session: SessionDep) -> dict[str, Any]:
    """One week of one tier: its state, and every capture with counts, rejects, stages and their runs."""
    cell, history = read_cell(Tier.parse(tier), parse_week_ending(week))
    links = run_links({stage.execution_id for each in history for stage in each.stages}, user, session)
    return {**cell_document(cell), "captures": [capture_document(each, links) for each in history]}


@router.get("/openapi.json", include_in_schema=False)
def describe(request: Request) -> dict[str, Any]:
    """This API, for whoever writes a client of it."""
    description: dict[str, Any] = request.app.openapi()
    return description
