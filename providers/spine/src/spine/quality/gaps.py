"""What is missing from a coverage, and the command that brings it."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from spine.core.tiers import Tier
from spine.quality.coverage import Cell, CellState, Coverage
from spine.storage.ledger import Stage

_WEEK = dt.timedelta(days=7)
# What each kind of gap is called, and the mode of the backfill that closes it: "missing" passes over a week that readers
# have, also when a later stage or revision of it is not done.
_KINDS = {
    CellState.LATE_HERE: ("not captured", "missing"),
    CellState.LATE_AT_SOURCE: ("late at FINRA; try again once it is there", "missing"),
    CellState.PARTIAL: ("not finished", "refresh"),
}


class Severity(StrEnum):
    """CRITICAL: readers lack something. WARNING: they lack only what may wait, or nobody here can do anything."""

    CRITICAL = "CRITICAL"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class Gap:
    """A week of a tier that is late or lacks stages.

    :param partial: whether something of it is there.
    :param command: brings it, by itself; see ``remedies`` for fewer commands.
    """

    tier: Tier
    week_ending: dt.date
    state: CellState
    missing_stages: tuple[Stage, ...]
    severity: Severity
    partial: bool
    command: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """One command for one gap or for several."""

    args: tuple[str, ...]
    reason: str
    severity: Severity

    @property
    def command(self) -> str:
        return shlex.join(self.args)


def gaps(coverage: Coverage) -> list[Gap]:
    """The cells that are late or partial, newest week first. Held ones are no gap: their content is there, and judged."""
    return [_gap(cell) for _, row in coverage.by_week() for cell in row if cell.state in _KINDS]


def refresh_args(tier: Tier, week_ending: dt.date, **params: str) -> tuple[str, ...]:
    """``airflow spine run finra.weekly_refresh`` for one week: captures it, or finishes what is captured."""
    return _run("finra.weekly_refresh", {"tier": str(tier), "week_ending": week_ending.isoformat(), **params})


def remedies(found: Iterable[Gap]) -> list[Remedy]:
    """Commands that together close every gap: consecutive weeks become one backfill, for all tiers that share them."""
    shared: dict[tuple[dt.date, dt.date, CellState], list[Gap]] = {}
    for (_, state), alike in _grouped(found).items():
        for run in _runs(sorted(alike, key=lambda gap: gap.week_ending)):
            shared.setdefault((run[0].week_ending, run[-1].week_ending, state), []).extend(run)
    newest_first = sorted(shared.items(), key=lambda item: item[0], reverse=True)
    return [remedy for (first, last, _), alike in newest_first for remedy in _remedies(first, last, alike)]


def _gap(cell: Cell) -> Gap:
    here = cell.state is not CellState.LATE_AT_SOURCE and cell.missing != (Stage.ROLLING,)
    return Gap(
        tier=cell.tier,
        week_ending=cell.week_ending,
        state=cell.state,
        missing_stages=cell.missing,
        severity=Severity.CRITICAL if here else Severity.WARNING,
        partial=cell.newest is not None,
        command=shlex.join(refresh_args(cell.tier, cell.week_ending)),
    )


def _grouped(found: Iterable[Gap]) -> dict[tuple[Tier, CellState], list[Gap]]:
    groups: dict[tuple[Tier, CellState], list[Gap]] = {}
    for gap in found:
        groups.setdefault((gap.tier, gap.state), []).append(gap)
    return groups


def _runs(found: list[Gap]) -> Iterator[list[Gap]]:
    """Consecutive weeks together."""
    run: list[Gap] = []
    for gap in found:
        if run and run[-1].week_ending + _WEEK != gap.week_ending:
            yield run
            run = []
        run.append(gap)
    if run:
        yield run


def _remedies(first: dt.date, last: dt.date, alike: list[Gap]) -> Iterator[Remedy]:
    what, mode = _KINDS[alike[0].state]
    if first == last:
        for gap in alike:
            yield Remedy(refresh_args(gap.tier, first), f"{gap.tier} {first} is {what}", gap.severity)
        return
    tiers = [tier for tier in Tier if any(gap.tier is tier for gap in alike)]
    named = json.dumps([str(tier) for tier in tiers], separators=(",", ":"))
    params = {"tiers": named, "start_week": first.isoformat(), "end_week": last.isoformat(), "mode": mode}
    weeks = (last - first).days // 7 + 1
    reason = f"{', '.join(tiers)}: the {weeks} weeks {first} to {last} are {what}"
    yield Remedy(_run("finra.backfill", params), reason, min(gap.severity for gap in alike))


def _run(workflow: str, params: dict[str, str]) -> tuple[str, ...]:
    pairs = (("-p", f"{name}={value}") for name, value in params.items())
    return ("airflow", "spine", "run", workflow, *(word for pair in pairs for word in pair))
