"""``airflow spine db prune``: the rows of superseded captures are removed, once somebody has seen what goes."""

from __future__ import annotations

import datetime as dt
import getpass
import os
import re
import socket
import sys
import time
from argparse import Namespace
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spine.cli.session import spine_session
from spine.core.errors import ValidationError
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.core.weeks import parse_date, parse_week_ending
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.pipelines.context import StepContext, utc_now
from spine.pipelines.retention import Outcome, Prunable, Pruning, RetentionRule
from spine.storage.migrations import require_current

if TYPE_CHECKING:
    from spine.storage.base import Storage

DEFAULT_AGE = "365d"
_AGE = re.compile(r"(\d{1,5})([dw])")
_DAYS = {"d": 1, "w": 7}
_TELL_SECONDS = 2.0
_SPACE = {
    "sqlite": "The file keeps its size for new rows; `airflow spine db vacuum` gives the space back to the disk.",
    "postgres": "Autovacuum frees the space for new rows; VACUUM FULL on a table gives it back to the disk, and locks it.",
    "db2": "REORG TABLE gives the space back.",
}


def prune(args: Namespace) -> None:
    """Show what goes, ask, and remove it. Whatever stops it, it can be run again."""
    with spine_session() as (settings, storage):
        require_current(storage, settings.sql_dir)
        now = utc_now()
        context = StepContext(storage, settings, {}, run_id=f"prune__{now:%Y-%m-%dT%H:%M:%S}")
        pruning = Pruning(context, rule_of(args, now), _who())
        planned = pruning.plan()
        _show(planned, pruning.rule, args.output)
        if not planned or args.dry_run:
            return
        if not args.yes:
            _confirm(storage)
        _carry_out(pruning, planned)
        print(_SPACE[storage.dialect.name], file=sys.stderr)


def rule_of(args: Namespace, now: dt.datetime) -> RetentionRule:
    """What the options ask for.

    :raises ValidationError: an option that cannot be read, or two that contradict each other.
    """
    if args.dataset not in (None, OTC_TRANSPARENCY.name):
        raise ValidationError(
            f"unknown dataset {args.dataset!r}; {did_you_mean(args.dataset, [OTC_TRANSPARENCY.name])}"
        )
    first = parse_week_ending(args.week_from) if args.week_from else None
    last = parse_week_ending(args.week_to) if args.week_to else None
    if first and last and first > last:
        raise ValidationError(f"--week-from {first} is after --week-to {last}")
    return RetentionRule(
        superseded_before=_superseded_before(args, now),
        keep=args.keep,
        tier=Tier.parse(args.tier) if args.tier else None,
        first_week=first,
        last_week=last,
    )


def _superseded_before(args: Namespace, now: dt.datetime) -> dt.datetime:
    if args.superseded_before and args.older_than:
        raise ValidationError("give --superseded-before or --older-than, not both")
    if args.superseded_before:
        day = parse_date(args.superseded_before, "--superseded-before")
        return dt.datetime.combine(day, dt.time(), dt.UTC)
    given = args.older_than or DEFAULT_AGE
    if (found := _AGE.fullmatch(given)) is None:
        raise ValidationError(f"--older-than {given!r} is no age; expected days or weeks, such as 365d or 52w")
    return now - dt.timedelta(days=int(found[1]) * _DAYS[found[2]])


def _who() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in containers
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def _show(planned: list[Prunable], rule: RetentionRule, output: str) -> None:
    from airflow.cli.simple_table import AirflowConsole

    for_programs = output in ("json", "yaml")
    if planned or for_programs:
        AirflowConsole().print_as(data=[_row(each, by_table=for_programs) for each in planned], output=output)
    if for_programs:
        return
    tables: Counter[str] = Counter()
    for each in planned:
        tables.update(each.rows)
    weeks = {each.going.entry.partition.week_ending for each in planned}
    print(
        f"{len(planned):,} captures of {len(weeks):,} weeks, {tables.total():,} rows, superseded before "
        f"{rule.superseded_before:%Y-%m-%d}"
    )
    for table, rows in tables.items():
        print(f"  {table:<45} {rows:>15,}")


def _row(each: Prunable, *, by_table: bool) -> dict[str, Any]:
    entry = each.going.entry
    return {
        "week_ending": entry.partition.week_ending.isoformat(),
        "tier": str(entry.partition.tier),
        "capture_id": entry.capture_id,
        "revision": entry.revision,
        "superseded_on": each.going.at.date().isoformat(),
        "superseded_by": each.going.by,
        "rows": dict(each.rows) if by_table else f"{each.row_count:,}",
    }


def _confirm(storage: Storage) -> None:
    """
    :raises ValidationError: nobody is there to be asked, or says no.
    """
    if not sys.stdin.isatty():
        raise ValidationError(
            "nothing was removed: nobody is there to confirm it; add --yes, or --dry-run to look only"
        )
    answer = input(f"Remove these rows from {storage.describe()}? They cannot be brought back. [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise ValidationError("nothing was removed")


def _carry_out(pruning: Pruning, planned: list[Prunable]) -> None:
    progress = _Progress(len(planned), sum(each.row_count for each in planned))
    for each, outcome in zip(planned, pruning.carry_out(planned), strict=True):
        progress.advance(each, outcome)
    print(f"removed {progress.removed:,} rows of {progress.pruned:,} captures", file=sys.stderr)
    for outcome in progress.left:
        print(f"left {outcome.capture_id}: {outcome.left_because}", file=sys.stderr)


@dataclass(slots=True)
class _Progress:
    """Says every other second how far it is, and how long the rest may take."""

    captures: int
    rows: int
    pruned: int = 0
    removed: int = 0
    left: list[Outcome] = field(default_factory=list)
    _passed: int = 0
    _start: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)

    def advance(self, planned: Prunable, outcome: Outcome) -> None:
        self._passed += planned.row_count
        if outcome.left_because:
            self.left.append(outcome)
        else:
            self.pruned += 1
            self.removed += sum(outcome.rows.values())
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            print(self._how_far(now - self._start), file=sys.stderr)

    def _how_far(self, seconds: float) -> str:
        done, share = self.pruned + len(self.left), self._passed / self.rows if self.rows else 1.0
        left = f", about {seconds / share - seconds:.0f} s left" if share else ""
        return f"{done:,} of {self.captures:,} captures, {self.removed:,} rows, {share:.0%}{left}"
