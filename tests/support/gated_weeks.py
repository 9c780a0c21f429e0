"""Weeks of one small market, as files, and what gates make of the one that is looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spine.core.tiers import Tier
from spine.core.weeks import published_on
from spine.workflows.runner import WorkflowRun
from tests.support.weekly import PREFIX, Weekly, file_of, line

LAST = dt.date(2025, 11, 14)
SYMBOLS = [f"S{number:02}" for number in range(40)]
VENUES = [f"VEN{letter}" for letter in "ABCDEFGHIJ"]


def shares_of(symbol: int, venue: int, week: int) -> int:
    """A number that moves a little from week to week."""
    return 1000 + 37 * symbol + 211 * venue + (symbol * 7 + venue * 13 + week * 29) % 90


def lines_of(
    friday: dt.date, *, symbols: Iterable[str] = SYMBOLS, venues: Iterable[str] = VENUES, times: float = 1
) -> list[str]:
    """A week's lines: every symbol on every venue."""
    updated, week = published_on(Tier.OTCE, friday).isoformat(), friday.toordinal() // 7
    return [
        line(
            symbol, venue, int(shares_of(s, v, week) * times), int((10 + (s + v + week) % 5) * times), updated=updated
        )
        for s, symbol in enumerate(symbols)
        for v, venue in enumerate(venues)
    ]  # fmt: skip


def load_history(weekly: Weekly, weeks: int = 8, last: dt.date = LAST) -> None:
    """Good weeks before the last one, published without their gates: they are what is usual."""
    for back in range(weeks, 0, -1):
        friday = last - dt.timedelta(weeks=back)
        path = weekly.write(file_of(*lines_of(friday)), f"history_{friday}.psv")
        weekly.load(tier="OTCE", week_ending=friday.isoformat(), file_path=path)


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a week."""

    run: WorkflowRun
    capture_id: str
    published: int
    rejects: dict[str, int]
    held: str | None
    statuses: dict[str, str]
    alerts: dict[str, str]


def judge(weekly: Weekly, content: str, friday: dt.date = LAST, **params: Any) -> Judged:
    """The whole workflow over a file."""
    path = weekly.write(content, "judged.psv")
    given = {"tier": "OTCE", "week_ending": friday.isoformat(), "file_path": path, "window_weeks": 2, **params}
    ended = weekly.attempt(**given)
    captures = [row for row in weekly.rows("core_captures") if str(row["week_ending"]) == friday.isoformat()]
    newest = max(captures, key=lambda row: row["revision"]) if captures else {"capture_id": "", "hold_kind": None}
    capture_id = str(newest["capture_id"])
    return Judged(
        ended,
        capture_id,
        sum(str(row["week_ending"]) == friday.isoformat() for row in weekly.rows(f"{PREFIX}_venue_volume_latest")),
        _counted(row["reason_code"] for row in weekly.rows("core_rejects", capture_id=capture_id)),
        newest["hold_kind"],
        {row["check_name"].partition(":")[2]: row["status"] for row in weekly.rows("core_quality", capture_id=capture_id)},
        {row["cause"]: row["severity"] for row in weekly.rows("core_alerts", capture_id=capture_id)},
    )  # fmt: skip


def _counted(codes: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for code in codes:
        found[code] = found.get(code, 0) + 1
    return found
