"""``airflow spine doctor``: which weeks are there, what is wrong, and the command that mends it."""

from __future__ import annotations

import datetime as dt
import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from spine.cli.session import spine_session
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending
from spine.quality.coverage import Cell, CellState, Coverage
from spine.quality.doctor import Diagnosis, examine
from spine.quality.gaps import Severity, remedies

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_WEEKS = 12
# Each sign says what it means without its colour.
_SIGNS = {
    CellState.COMPLETE: ("✓", "green", "complete"),
    CellState.PARTIAL: ("◐", "yellow", "partial: a stage is missing"),
    CellState.HELD: ("‖", "magenta", "held back by a check"),
    CellState.LATE_HERE: ("✗", "red", "missing: published, and not captured"),
    CellState.LATE_AT_SOURCE: ("?", "yellow", "late at FINRA"),
    CellState.DUE: ("○", "cyan", "due: published a short while ago"),
    CellState.NOT_DUE: ("·", "bright_black", "not published yet"),
}


def doctor(args: Namespace) -> None:
    """Print the diagnosis. Exits with 1 when there is a gap or a finding."""
    with spine_session() as (settings, storage):
        start = parse_week_ending(args.start) if args.start else None
        tiers = [Tier.parse(args.tier)] if args.tier else list(Tier)
        now = dt.datetime.now(dt.UTC)
        diagnosis = examine(
            storage,
            settings.sql_dir,
            tiers=tiers,
            weeks=None if start else args.weeks or DEFAULT_WEEKS,
            start=start,
            end=parse_week_ending(args.end) if args.end else None,
            now=now,
            in_source=_weeks_at_finra(settings.finra_conn_id, tiers, now)
            if getattr(args, "ask_finra", False)
            else None,
            thorough=getattr(args, "thorough", False),
        )
    if args.format == "json":
        print(json.dumps(as_json(diagnosis), indent=2))
    else:
        _print_text(diagnosis)
    if not diagnosis.healthy:
        raise SystemExit(1)


def _weeks_at_finra(conn_id: str, tiers: list[Tier], now: dt.datetime) -> dict[tuple[Tier, dt.date], bool]:
    """Whether FINRA has each week since the oldest one it lists."""
    from spine.hooks.finra import FinraHook

    found: dict[tuple[Tier, dt.date], bool] = {}
    with FinraHook(conn_id).get_client() as client:
        for tier in tiers:
            listed = set(client.newest_weeks(tier))
            week = min(listed, default=now.date())
            while week <= now.date():
                found[tier, week] = week in listed
                week += dt.timedelta(days=7)
    return found


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis for programs."""
    gaps, seen = diagnosis.gaps, diagnosis.coverage
    return {
        "domain": seen.dataset if seen else None,
        "checked_at": diagnosis.checked_at.isoformat(timespec="seconds"),
        "storage": diagnosis.place,
        "status": _status(diagnosis),
        **(_counts(seen) if seen else {}),
        "gaps": [
            {
                "week_ending": gap.week_ending.isoformat(),
                "tier": str(gap.tier),
                "state": str(gap.state),
                "missing_stages": [str(stage) for stage in gap.missing_stages],
                "severity": str(gap.severity),
                "partial": gap.partial,
                "command": gap.command,
            }
            for gap in gaps
        ],
        "findings": [
            {"check": each.check, "severity": str(each.severity), "message": each.message, "command": each.command}
            for each in diagnosis.findings
        ],
        "remediation": [
            {"command": remedy.command, "args": list(remedy.args), "reason": remedy.reason} for remedy in remedies(gaps)
        ],
    }


def _status(diagnosis: Diagnosis) -> str:
    if diagnosis.gaps:
        return "GAPS_DETECTED"
    return "FINDINGS" if diagnosis.findings else "HEALTHY"


def _counts(seen: Coverage) -> dict[str, Any]:
    """Partitions are expected from the moment FINRA publishes them."""
    expected = len(seen.cells) - seen.count(CellState.NOT_DUE)
    missing = seen.count(CellState.DUE, CellState.LATE_HERE, CellState.LATE_AT_SOURCE)
    return {
        "weeks_checked": len(seen.weeks),
        "expected_partitions": expected,
        "found_partitions": expected - missing,
        "missing_partitions": missing,
        "states": {str(state): count for state in CellState if (count := seen.count(state))},
    }


def _print_text(diagnosis: Diagnosis) -> None:
    from rich.console import Console

    # A command stays on one line, to be copied, however narrow the terminal.
    console = Console(highlight=False, soft_wrap=True, markup=True, emoji=False)
    for line in _lines(diagnosis):
        console.print(line)


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    """The report in rich's markup."""
    yield f"{escape(diagnosis.place)}, checked {diagnosis.checked_at:%Y-%m-%d %H:%M} UTC"
    if diagnosis.coverage:
        yield from _grid(diagnosis.coverage)
    for each in diagnosis.findings:
        yield from _problem(each.severity, f"{each.check}: {each.message}", each.command)
    for remedy in remedies(diagnosis.gaps):
        yield from _problem(remedy.severity, remedy.reason, remedy.command)
    yield ""
    yield _verdict(diagnosis)


def _grid(seen: Coverage) -> Iterator[str]:
    """Weeks by tiers, the newest week first; a number behind the sign counts revisions."""
    yield ""
    yield "[bold]Week ending  " + "".join(f"{tier:<7}" for tier in seen.tiers).rstrip() + "[/bold]"
    for week, cells in seen.by_week():
        yield (f"{week}   " + "".join(map(_sign, cells))).rstrip()
    yield ""
    for state, (sign, colour, meaning) in _SIGNS.items():
        if count := seen.count(state):
            yield f"[{colour}]{sign}[/{colour}] {meaning} ({count})"
    if any(cell.revisions > 1 for cell in seen.cells):
        yield "A number counts the captures of a restated week"


def _sign(cell: Cell) -> str:
    sign, colour, _ = _SIGNS[cell.state]
    captures = str(cell.revisions) if cell.revisions > 1 else ""
    return f"[{colour}]{sign}[/{colour}]{captures:<6}"


def _problem(severity: Severity, text: str, command: str) -> Iterator[str]:
    colour = "red" if severity is Severity.CRITICAL else "yellow"
    yield ""
    yield f"[{colour}]{severity:<8}[/{colour}] {escape(text)}"
    if command:
        yield f"         [bold]{escape(command)}[/bold]"


def _verdict(diagnosis: Diagnosis) -> str:
    if diagnosis.healthy:
        return "[green]Healthy: nothing is missing and nothing is wrong.[/green]"
    counts = {"gap": len(diagnosis.gaps), "finding": len(diagnosis.findings)}
    return ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items() if count)
