"""``airflow spine quality assess``: scores and grades of weeks and symbols, as text, JSON or an HTML page."""

from __future__ import annotations

import json
import logging
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from spine.cli.session import spine_session
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending
from spine.pipelines.context import StepContext

if TYPE_CHECKING:
    from spine.quality.assessment.assess import Assessment, Scope

_COLOURS = {"A": "green", "B": "cyan", "C": "yellow", "D": "dark_orange", "F": "red"}
_MOST_LINES = 20


def assess(args: Namespace) -> None:
    """Print or write the assessment, and put it on record; exits with 1 where --require is not met."""
    from spine.hooks.connections import AirflowConnections
    from spine.quality.assessment.assess import assess as look
    from spine.quality.assessment.report import page_of
    from spine.quality.assessment.stored import save

    logging.getLogger("spine").setLevel(logging.INFO if args.verbose else logging.WARNING)
    with spine_session(as_json=args.format == "json") as (settings, storage):
        context = StepContext(storage, settings, {}, run_id="assess", connections=AirflowConnections())
        found = look(context, _scope(args))
        if not args.dry_run:
            save(context, found)
    if args.format == "text":
        _print_text(found)
    else:
        text = page_of(found) if args.format == "html" else json.dumps(found.to_dict(), indent=2)
        if args.out:
            Path(args.out).write_text(text, encoding="utf-8")
            print(args.out)
        else:
            print(text)
    if args.require and any(each.score.grade > args.require for each in found.weeks):
        raise SystemExit(1)


def _scope(args: Namespace) -> Scope:
    from spine.quality.assessment.assess import Scope

    scope = Scope(
        tiers=(Tier.parse(args.tier),) if args.tier else tuple(Tier),
        weeks=args.weeks,
        first=parse_week_ending(args.start) if args.start else None,
        last=parse_week_ending(args.end) if args.end else None,
        full=args.full,
        symbols=args.score_all,
        symbol=args.score,
        source=args.source,
        **({"summary_type": args.summary_type} if args.summary_type else {}),
    )
    return scope


def _print_text(found: Assessment) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True, emoji=False)
    for line in _lines(found):
        console.print(line)


def _lines(found: Assessment) -> Iterator[str]:
    """The report in rich's markup."""
    from rich.markup import escape

    from spine.quality.assessment.report import findings, verdict

    yield f"{found.dataset} {found.scope.summary_type}, {found.first} to {found.last}, in {escape(found.place)}"
    yield ""
    yield f"{_graded(found)}  {verdict(found)}"
    yield ""
    yield "[bold]Week ending  " + "".join(f"{tier:<9}" for tier in found.scope.tiers).rstrip() + "[/bold]"
    by_week = {(each.tier, each.week_ending): each for each in found.weeks}
    for week in sorted({each.week_ending for each in found.weeks}, reverse=True):
        cells = (by_week.get((tier, week)) for tier in found.scope.tiers)
        marks = (_mark(cell.score.grade, cell.score.value) if cell else f"{'·':<9}" for cell in cells)
        yield f"{week}   " + "".join(marks).rstrip()
    yield ""
    counts = (f"{check} {len(found.of_check(check)) or '✓'}" for check in found.made)
    yield "Checks: " + ", ".join(counts)
    said = findings(found)
    for each in said[:_MOST_LINES]:
        colour = "yellow" if each.severity == "WARNING" else "red"
        yield ""
        yield f"[{colour}]{each.severity:<8}[/{colour}] {each.where}: {each.check}: {escape(each.message)}"
        if each.remedy:
            yield f"         [bold]{escape(each.remedy)}[/bold]"
    if len(said) > _MOST_LINES:
        yield f"... and {len(said) - _MOST_LINES} more: airflow spine quality anomalies"
    for remedy in found.remedies[:_MOST_LINES]:
        yield ""
        yield f"{escape(remedy.reason)}"
        yield f"         [bold]{escape(remedy.command)}[/bold]"
    yield from _symbol_lines(found)


def _graded(found: Assessment) -> str:
    if found.grade is None:
        return "-"
    colour = _COLOURS[found.grade]
    return f"[bold {colour}]{found.grade} {found.score}[/bold {colour}]"


def _mark(grade: str, value: float) -> str:
    return f"[{_COLOURS[grade]}]{grade} {value:<7}[/{_COLOURS[grade]}]"


def _symbol_lines(found: Assessment) -> Iterator[str]:
    from rich.markup import escape

    if found.scope.symbol is not None and not found.symbols:
        yield ""
        yield f"No line of {escape(found.scope.symbol)} in these weeks"
    if found.symbols:
        yield ""
        yield f"[bold]{'Symbol':<10}{'Tier':<6}{'Score':<9}{'Weeks':<10}[/bold]"
    for one in found.symbols[:_MOST_LINES]:
        weeks = f"{one.weeks_there} of {one.weeks}"
        notes = escape("; ".join(one.notes))
        yield f"{escape(one.symbol):<10}{one.tier:<6}{_mark(one.score.grade, one.score.value)}{weeks:<10}{notes}"
    if len(found.symbols) > _MOST_LINES:
        yield f"... and {len(found.symbols) - _MOST_LINES} more with higher scores, in core_quality_scores"
