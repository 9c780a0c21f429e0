"""One look at everything that can be wrong with a deployment's data, and for each what to do about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spine.core.errors import SpineError
from spine.core.tiers import Tier
from spine.quality.coverage import Coverage, coverage
from spine.quality.database_health import health
from spine.quality.findings import Finding
from spine.quality.gaps import Gap, Severity, gaps, refresh_args
from spine.quality.reconcile import reconcile
from spine.storage.base import Storage
from spine.storage.migrations import status


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor saw. ``coverage`` is None where the database could not be read that far."""

    place: str
    checked_at: dt.datetime
    findings: tuple[Finding, ...]
    coverage: Coverage | None = None
    gaps: tuple[Gap, ...] = ()

    @property
    def healthy(self) -> bool:
        return not self.findings and not self.gaps


def examine(
    storage: Storage,
    sql_dir: Path,
    *,
    tiers: Sequence[Tier] = tuple(Tier),
    weeks: int | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    now: dt.datetime,
    in_source: Mapping[tuple[Tier, dt.date], bool] | None = None,
    thorough: bool = False,
) -> Diagnosis:
    """Every check; those of the data for the weeks asked for (see spine.quality.coverage).

    :param thorough: look at the database itself more closely, however long that takes (see ``health``).
    :param in_source: whether FINRA has a week, where it was asked: tells who is late.
    :raises ValidationError: no such weeks.
    """
    place = storage.describe()
    try:
        first = [*health(storage, now, thorough=thorough), *_migrations(storage, sql_dir)]
    except SpineError as error:
        return Diagnosis(place, now, (Finding("database", Severity.CRITICAL, error.message),))
    if any(finding.check == "migrations" and finding.command for finding in first):
        return Diagnosis(place, now, tuple(first))
    seen = coverage(storage, tiers=tiers, weeks=weeks, start=start, end=end, now=now, in_source=in_source)
    findings = (*first, *_leases(storage, now), *_ledger(storage, seen), *_held(seen))
    return Diagnosis(place, now, findings, seen, tuple(gaps(seen)))


def _migrations(storage: Storage, sql_dir: Path) -> Iterator[Finding]:
    found = status(storage, sql_dir)
    if found.pending:
        names = ", ".join(found.pending)
        yield Finding("migrations", Severity.CRITICAL, f"not applied: {names}", "airflow spine db upgrade")
    if found.changed:
        names = ", ".join(found.changed)
        yield Finding("migrations", Severity.CRITICAL, f"edited after they were applied: {names}; restore the files")
    if found.unknown:
        names = ", ".join(found.unknown)
        yield Finding("migrations", Severity.WARNING, f"applied by a newer version of Spine: {names}; install that one")


def _leases(storage: Storage, now: dt.datetime) -> Iterator[Finding]:
    """Leases that ran out while held: their run was stopped before it could give them back."""
    rows = storage.query(
        "SELECT lock_key, execution_id, expires_at FROM core_concurrency_locks "
        "WHERE expires_at > acquired_at AND expires_at <= :now ORDER BY lock_key",
        {"now": now},
    )
    for row in rows:
        message = f"{row['lock_key']} was not given back by run {row['execution_id']}, which ended without a word"
        yield Finding("leases", Severity.WARNING, message, _takes_over(row["lock_key"]))


def _takes_over(lock_key: str) -> str:
    """The run that takes an abandoned lease and finishes its work."""
    match lock_key.split(":"):
        case ["partition", _, tier, week] if tier in list(Tier):
            return " ".join(refresh_args(Tier(tier), dt.date.fromisoformat(week)))
    return ""


def _ledger(storage: Storage, seen: Coverage) -> Iterator[Finding]:
    for each in reconcile(storage, seen.tiers, seen.weeks[0], seen.weeks[-1]):
        command = " ".join(refresh_args(each.tier, each.week_ending, force="true"))
        yield Finding("ledger", Severity.CRITICAL, f"{each.capture_id}: {each.message}", command)


def _held(seen: Coverage) -> Iterator[Finding]:
    for cell in seen.cells:
        if cell.newest is not None and cell.newest.hold_reason is not None:
            readers = "readers see the capture before it" if cell.published else "readers see nothing of this week"
            message = f"{cell.newest.capture_id} is held: {cell.newest.hold_reason}; {readers}"
            command = f"airflow spine rejects list --tier {cell.tier} --week-ending {cell.week_ending}"
            yield Finding("held", Severity.WARNING if cell.published else Severity.CRITICAL, message, command)
