"""One look at how good the stored weeks are: every check over a stretch of weeks, then scores and grades."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from spine.alerts.model import AlertSeverity
from spine.core.errors import ConfigurationError
from spine.core.tiers import Tier
from spine.core.weeks import newest_published, parse_date
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.quality.assessment import reconciliation as checks
from spine.quality.assessment.drift import Steadiness, drift
from spine.quality.assessment.issues import Check, Issue
from spine.quality.assessment.published import Published, read_published, read_totals
from spine.quality.assessment.scoring import Grade, grade_of
from spine.quality.assessment.source import against_source
from spine.quality.assessment.symbols import SymbolScore, read_symbols, symbol_scores
from spine.quality.assessment.weeks import WeekScore, coverage_issue, gate_issues, lines_of, week_score
from spine.quality.baselines import DEFAULT_WEEKS, read_weeks
from spine.quality.coverage import Coverage, coverage, tier_params
from spine.quality.gaps import Remedy, gaps, remedies
from spine.quality.reconcile import reconcile
from spine.storage.ledger import as_instant

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext
    from spine.storage.base import Session, Storage

_AT_ONCE = 13  # weeks that are read together
SYMBOL_WEEKS = 52
"""Symbols are scored over the last weeks that are looked at, at most so many."""
_OF_NUMBERS = (
    Check.LEDGER, Check.DUPLICATES, Check.ORPHANS, Check.RECOMPUTED, Check.TOTALS, Check.SHARES, Check.ROLLING,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at.

    :param first, last: Fridays; None: the last ``weeks`` weeks that FINRA has published, or with ``full`` all there are.
    :param full: the whole history, and every table for rows without a capture.
    :param symbols: score every symbol; or ``symbol`` alone.
    :param source: read the weeks again from ``file``, ``api`` or the ``same`` source as each capture; None: do not.
    """

    tiers: tuple[Tier, ...] = tuple(Tier)
    summary_type: str = OTC_TRANSPARENCY.summary_types[0]
    weeks: int = DEFAULT_WEEKS
    first: dt.date | None = None
    last: dt.date | None = None
    full: bool = False
    symbols: bool = False
    symbol: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found.

    :param weeks: the oldest first, tiers in order.
    :param symbols: the worst first.
    :param made: the checks that were made.
    :param remedies: commands that together bring the weeks that are missing or not finished.
    """

    dataset: str
    place: str
    scope: Scope
    assessed_at: dt.datetime
    first: dt.date
    last: dt.date
    made: tuple[Check, ...]
    weeks: tuple[WeekScore, ...]
    issues: tuple[Issue, ...]
    remedies: tuple[Remedy, ...] = ()
    symbols: tuple[SymbolScore, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def score(self) -> float | None:
        """The mean of the weeks' scores; None where there is none."""
        return round(fmean(each.score.value for each in self.weeks), 1) if self.weeks else None

    @property
    def grade(self) -> Grade | None:
        return None if self.score is None else grade_of(self.score)

    def of_tier(self, tier: Tier) -> list[WeekScore]:
        return [each for each in self.weeks if each.tier is tier]

    def of_check(self, check: Check) -> list[Issue]:
        return [issue for issue in self.issues if issue.check is check]

    def worst(self, severity: AlertSeverity) -> list[Issue]:
        return [issue for issue in self.issues if issue.severity is severity]

    def to_dict(self) -> dict[str, Any]:
        return {
            "domain": self.dataset,
            "storage": self.place,
            "summary_type": self.scope.summary_type,
            "assessed_at": self.assessed_at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "score": self.score,
            "grade": None if self.grade is None else str(self.grade),
            "checks": {str(check): len(self.of_check(check)) for check in self.made},
            "weeks": [each.to_dict() for each in self.weeks],
            "issues": [issue.to_dict() for issue in self.issues],
            "remediation": [{"command": remedy.command, "reason": remedy.reason} for remedy in self.remedies],
            "symbols": [each.to_dict() for each in self.symbols],
        }


def assess(context: StepContext, scope: Scope, dataset: Dataset = OTC_TRANSPARENCY) -> Assessment:
    """Look at everything in scope; nothing is written.

    :raises ConfigurationError: nothing is captured.
    :raises ValidationError: no such weeks, or an unknown summary type.
    """
    started, storage, now = time.monotonic(), context.storage, context.clock()
    dataset.summary_type(scope.summary_type)
    first, last = _stretch(storage, scope, dataset, now)
    seen = coverage(
        storage, tiers=scope.tiers, start=first, end=last, now=now, dataset=dataset, summary_type=scope.summary_type
    )
    look = _Look(context, scope, dataset, seen)
    fridays = list(seen.weeks)
    for start in range(0, len(fridays), _AT_ONCE):
        some = fridays[start : start + _AT_ONCE]
        look.at(some[0], some[-1])
        _tell(context, started, start + len(some), len(fridays))
    if scope.full:
        look.issues.extend(checks.orphans(storage, dataset))
    found = sorted(look.issues, key=lambda issue: (-issue.severity.rank, issue.check, str(issue.week_ending)))
    return Assessment(
        dataset=dataset.name,
        place=storage.describe(),
        scope=scope,
        assessed_at=now,
        first=first,
        last=last,
        made=look.made,
        weeks=tuple(look.weeks),
        issues=tuple(found),
        remedies=tuple(remedies(gaps(seen))),
        symbols=look.symbols(),
        seconds=time.monotonic() - started,
    )


def followed(
    reader: Session | Storage, scope: Scope, now: dt.datetime, dataset: Dataset = OTC_TRANSPARENCY
) -> list[Scope]:
    """The scope, and one like it for each other series that is captured in its weeks: its tiers, from its first week on."""
    first, last = _stretch(reader, scope, dataset, now)
    rows = reader.query(
        "SELECT summary_type, tier, MIN(week_ending) AS oldest FROM core_captures WHERE domain = :domain "
        "AND summary_type <> :summary_type AND week_ending BETWEEN :first AND :last AND pruned_at IS NULL "
        "GROUP BY summary_type, tier",
        {"domain": dataset.name, "summary_type": scope.summary_type, "first": first, "last": last},
    ).rows
    found = [scope]
    for series in dataset.summary_types:
        oldest = {Tier(tier): parse_date(week) for kind, tier, week in rows if kind == series}
        tiers = tuple(tier for tier in scope.tiers if tier in oldest)
        if tiers:
            since = min(oldest[tier] for tier in tiers)
            # Rows without a capture are those of all series.
            found.append(replace(scope, summary_type=series, tiers=tiers, first=since, last=last, full=False))
    return found


def _tell(context: StepContext, started: float, done: int, of: int) -> None:
    spent = time.monotonic() - started
    context.log.info("assessed %d of %d weeks, about %.0f s left", done, of, spent / done * (of - done))


def _stretch(storage: Session | Storage, scope: Scope, dataset: Dataset, now: dt.datetime) -> tuple[dt.date, dt.date]:
    last = scope.last or max(newest_published(tier, now) for tier in scope.tiers)
    if scope.first:
        return scope.first, last
    if not scope.full:
        return last - dt.timedelta(weeks=scope.weeks - 1), last
    marks, values = tier_params(scope.tiers)
    row = storage.query(
        f"SELECT MIN(week_ending) AS oldest FROM core_captures WHERE domain = :domain AND summary_type = :summary_type "
        f"AND tier IN ({marks}) AND pruned_at IS NULL",
        {"domain": dataset.name, "summary_type": scope.summary_type, **values},
    ).first
    if row is None or row["oldest"] is None:
        raise ConfigurationError("nothing is captured yet; run finra.weekly_refresh first")
    return parse_date(row["oldest"]), last


@dataclass(slots=True)
class _Look:
    """The assessment while it goes through the weeks."""

    context: StepContext
    scope: Scope
    dataset: Dataset
    seen: Coverage
    weeks: list[WeekScore] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    _first_capture: dt.datetime | None = None

    def __post_init__(self) -> None:
        row = self.context.storage.query(
            "SELECT MIN(captured_at) AS oldest FROM core_captures WHERE domain = :domain", {"domain": self.dataset.name}
        ).first
        self._first_capture = as_instant(row["oldest"]) if row else None

    @property
    def made(self) -> tuple[Check, ...]:
        per_venue = self.dataset.per_venue(self.scope.summary_type)
        left_out = {Check.SOURCE} if self.scope.source is None else set()
        left_out |= set() if per_venue else {Check.SHARES}
        return tuple(check for check in Check if check not in left_out)

    def at(self, first: dt.date, last: dt.date) -> None:
        """A few weeks: their issues and scores."""
        # One snapshot of them: a week that is published meanwhile must not seem to contradict itself.
        with self.context.storage.transaction() as session:
            published = read_published(session, self.dataset, self.scope.summary_type, self.scope.tiers, first, last)
            found = [*self._numbers(session, published, first, last), *gate_issues(session, self.dataset, published)]
            lines = lines_of(session, self.dataset, published)
            steady = self._steadiness(session, first, last, found)
        if self.scope.source is not None:
            found += against_source(self.context, self.dataset, self.scope.summary_type, published, self.scope.source)
        self._score(published, lines, steady, found, first, last)
        self.published += published

    def _numbers(
        self, session: Session, published: Sequence[Published], first: dt.date, last: dt.date
    ) -> Iterator[Issue]:
        """What is published against itself."""
        dataset, summary_type = self.dataset, self.scope.summary_type
        for each in reconcile(session, self.scope.tiers, first, last, dataset=dataset):
            about = each.message.partition(":")[0]
            yield Issue(
                Check.LEDGER, AlertSeverity.CRITICAL, f"{each.capture_id}:{about}", each.message, each.tier,
                each.week_ending, each.capture_id, 1,
            )  # fmt: skip
        totals = read_totals(session, dataset, published)
        yield from checks.duplicates(session, dataset, published)
        yield from checks.recomputed(session, dataset, published, totals)
        yield from checks.cross_totals(dataset, summary_type, published, totals)
        yield from checks.shares(dataset, summary_type, published, totals)
        longest = checks.longest_window(session, dataset, published)
        before = first - dt.timedelta(weeks=longest - 1)
        inputs = read_published(session, dataset, summary_type, self.scope.tiers, before, last)
        yield from checks.rolling(session, dataset, published, inputs)

    def _steadiness(
        self, session: Session, first: dt.date, last: dt.date, found: list[Issue]
    ) -> dict[tuple[Tier, dt.date], Steadiness]:
        """How usual each week is; what is unusual goes to ``found``."""
        steady: dict[tuple[Tier, dt.date], Steadiness] = {}
        for tier in self.scope.tiers:
            since = first - dt.timedelta(weeks=DEFAULT_WEEKS)
            weeks = read_weeks(session, tier, self.scope.summary_type, since, last, dataset=self.dataset)
            for friday, each, issues in drift(tier, weeks, first):
                steady[tier, friday] = each
                found += issues
        return steady

    def _score(
        self,
        published: Sequence[Published],
        lines: Mapping[str, tuple[int, int]],
        steady: Mapping[tuple[Tier, dt.date], Steadiness],
        found: Sequence[Issue],
        first: dt.date,
        last: dt.date,
    ) -> None:
        by_week = {(each.tier, each.week_ending): each for each in published}
        kinds = sum(check in self.made for check in _OF_NUMBERS)
        for cell in self.seen.cells:
            if not first <= cell.week_ending <= last:
                continue
            place = (cell.tier, cell.week_ending)
            issues = [issue for issue in found if (issue.tier, issue.week_ending) == place]
            if (missing := coverage_issue(cell)) is not None:
                issues.append(missing)
            issues = [replace(issue, summary_type=self.scope.summary_type) for issue in issues]
            each = by_week.get(place)
            counts = lines[each.capture_id] if each else (0, 0)
            scored = week_score(cell, each, counts, steady.get(place), issues, kinds, self._first_capture)
            if scored is not None:
                self.weeks.append(scored)
                self.issues += issues

    def symbols(self) -> tuple[SymbolScore, ...]:
        if not self.scope.symbols and self.scope.symbol is None:
            return ()
        found: list[SymbolScore] = []
        for tier in self.scope.tiers:
            mine = [each for each in self.published if each.tier is tier][-SYMBOL_WEEKS:]
            read = read_symbols(self.context.storage, self.dataset, mine, self.scope.symbol)
            found += symbol_scores(tier, mine, read)
        return tuple(sorted(found, key=lambda each: (each.score.value, each.tier, each.symbol)))
