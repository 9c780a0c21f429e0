"""The console's pages. Each works without JavaScript; console.js only spares the reloads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated
from urllib.parse import urlencode

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, Response

from spine.console.reading import newest_captured_week, read_cell, read_coverage
from spine.console.rendering import page
from spine.console.requests import Asked, AskedRange
from spine.console.runs import run_links
from spine.core.tiers import Tier
from spine.core.weeks import monday_of, newest_published, parse_week_ending
from spine.quality.coverage import CellState, Coverage
from spine.quality.gaps import gaps, refresh_args, remedies
from spine.storage.ledger import Stage

router = APIRouter(include_in_schema=False)

_STATIC = {"console.css": "text/css", "console.js": "text/javascript"}
_SIZES = (6, 12, 26, 52)


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: a sign that needs no colour, a word, and what it means."""

    sign: str
    word: str
    meaning: str


LOOKS = {
    CellState.COMPLETE: Look("✓", "Complete", "every stage is done"),
    CellState.PARTIAL: Look("◐", "Partial", "captured, and a stage is missing"),
    CellState.HELD: Look("‖", "Held", "a check keeps the newest capture from readers"),
    CellState.LATE_HERE: Look("✕", "Missing", "published, and not captured here"),
    CellState.LATE_AT_SOURCE: Look("?", "Late at FINRA", "its time has come, and FINRA does not have it"),
    CellState.DUE: Look("○", "Due", "published a short while ago"),
    CellState.NOT_DUE: Look("·", "Not due", "FINRA has not published it yet"),
}


@router.get("/", response_class=HTMLResponse)
def coverage_page(
    asked: Asked,
    user: GetUserDep,
    session: SessionDep,
    cell: Annotated[str | None, Query(description="The cell that is looked at, as T1:2026-04-10")] = None,
) -> HTMLResponse:
    """The coverage, and beside it one cell or what is to be done."""
    seen = read_coverage(asked)
    chosen = _chosen(cell)
    found, history = read_cell(*chosen) if chosen else (None, [])
    links = run_links({stage.execution_id for each in history for stage in each.stages}, user, session)
    return page(
        "coverage.html",
        seen=seen,
        looks=LOOKS,
        stages=list(Stage),
        to=Addresses(asked, seen),
        chosen=found,
        history=history,
        links=links,
        refresh=" ".join(refresh_args(*chosen)) if chosen else "",
        monday_of=monday_of,
        remedies=remedies(gaps(seen)),
        sizes=_SIZES,
        elsewhere=_elsewhere(seen),
    )


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """Style and script, from the package."""
    if name not in _STATIC:
        raise HTTPException(404, f"there is no {name!r} here")
    content = files("spine.console").joinpath("static", name).read_bytes()
    return Response(content, media_type=_STATIC[name], headers={"Cache-Control": "private, max-age=300"})


@dataclass(frozen=True, slots=True)
class Addresses:
    """Links of the page to itself, all relative: Airflow may be served below a path of its own."""

    asked: AskedRange
    seen: Coverage

    def _query(self, **values: object) -> str:
        given: dict[str, object] = {"weeks": len(self.seen.weeks), "end": self.asked.end, **values}
        tiers = self.seen.tiers if self.seen.tiers != tuple(Tier) else ()
        pairs = [(name, str(value)) for name, value in given.items() if value] + [("tier", str(tier)) for tier in tiers]
        return f"?{urlencode(pairs)}"

    def cell(self, tier: Tier, week: dt.date) -> str:
        return self._query(cell=f"{tier}:{week}")

    def size(self, weeks: int) -> str:
        return self._query(weeks=weeks)

    def ending(self, week: dt.date | None) -> str:
        return self._query(end=week)

    @property
    def overview(self) -> str:
        return self._query()

    @property
    def older(self) -> str:
        return self._query(end=self.seen.weeks[0] - dt.timedelta(days=7))

    @property
    def newer(self) -> str | None:
        """None at the newest weeks."""
        newest = max(newest_published(tier, self.seen.checked_at) for tier in self.seen.tiers)
        if self.seen.weeks[-1] >= newest:
            return None
        end = self.seen.weeks[-1] + dt.timedelta(days=7 * len(self.seen.weeks))
        return self._query(end=end if end < newest else None)


def _chosen(cell: str | None) -> tuple[Tier, dt.date] | None:
    """:raises ValidationError: no tier and week in it."""
    if cell is None:
        return None
    tier, _, week = cell.partition(":")
    return Tier.parse(tier), parse_week_ending(week)


def _elsewhere(seen: Coverage) -> dt.date | None:
    """Where data is, when none of it is in sight."""
    if any(cell.newest for cell in seen.cells):
        return None
    return newest_captured_week()
