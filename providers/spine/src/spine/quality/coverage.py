"""Which weeks of which tiers are there, how far each has come, and who is late where one is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from spine.core.errors import ValidationError
from spine.core.publication import PublicationState, publication_state
from spine.core.tiers import Tier
from spine.core.weeks import newest_published, parse_date, published_at, window
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.storage.base import Session, Storage
from spine.storage.ledger import Stage

ROLLING_WEEKS = 6  # the window of the weekly workflow
MAX_WEEKS = 1_000

_SQL = """
SELECT c.tier, c.week_ending, c.revision, c.capture_id, c.captured_at, c.parsed_count, c.rejected_count, c.hold_reason,
       c.pruned_at, m.stage
FROM core_captures c
LEFT JOIN core_manifest m ON m.capture_id = c.capture_id
WHERE c.domain = :domain AND c.tier IN ({tiers}) AND c.summary_type = :summary_type
  AND c.week_ending BETWEEN :first AND :last
ORDER BY c.tier, c.week_ending, c.revision, m.stage_rank
"""


class CellState(StrEnum):
    """Where one week of one tier stands.

    The first four speak of weeks without a capture and mean what they mean in PublicationState; the others of the newest
    capture: PARTIAL lacks a stage, COMPLETE lacks none, HELD is kept from readers.
    """

    NOT_DUE = "not_due"
    DUE = "due"
    LATE_AT_SOURCE = "late_at_source"
    LATE_HERE = "late_here"
    PARTIAL = "partial"
    COMPLETE = "complete"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class NewestCapture:
    """The newest capture of a cell and the stages it has finished, in order."""

    capture_id: str
    captured_at: dt.datetime
    parsed_count: int
    rejected_count: int
    hold_reason: str | None
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One week of one tier.

    :param revisions: number of captures.
    :param missing: stages that the newest capture lacks; every expected one where there is no capture.
    :param published: whether readers have the week, from this capture or, while it is held or not finished, an older one.
    :param first_captured_at: of its first capture.
    """

    tier: Tier
    week_ending: dt.date
    published_at: dt.datetime
    state: CellState
    revisions: int
    newest: NewestCapture | None
    missing: tuple[Stage, ...]
    published: bool
    first_captured_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Cells by week (oldest first) and tier, as seen at ``checked_at``."""

    dataset: str
    checked_at: dt.datetime
    weeks: tuple[dt.date, ...]
    tiers: tuple[Tier, ...]
    cells: tuple[Cell, ...]

    def cell(self, tier: Tier, week_ending: dt.date) -> Cell:
        return self.cells[self.weeks.index(week_ending) * len(self.tiers) + self.tiers.index(tier)]

    def by_week(self) -> list[tuple[dt.date, tuple[Cell, ...]]]:
        """The rows of the matrix, newest week first."""
        rows = groupby(self.cells, key=lambda cell: cell.week_ending)
        return [(week, tuple(cells)) for week, cells in rows][::-1]

    def count(self, *states: CellState) -> int:
        return sum(cell.state in states for cell in self.cells)


def coverage(
    storage: Session | Storage,
    *,
    tiers: Sequence[Tier] = tuple(Tier),
    weeks: int | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    now: dt.datetime,
    in_source: Mapping[tuple[Tier, dt.date], bool] | None = None,
    dataset: Dataset = OTC_TRANSPARENCY,
    summary_type: str | None = None,
) -> Coverage:
    """The matrix of the weeks asked for.

    :param weeks: how many Fridays up to ``end``; or give ``start``.
    :param end: the last Friday; by default the newest that any of the tiers has published at ``now`` (timezone-aware).
    :param in_source: whether the source has a week, where it was asked.
    :raises ValidationError: no such range.
    """
    asked = asked_weeks(tiers, weeks=weeks, start=start, end=end, now=now)
    history = window(asked[0], ROLLING_WEEKS)[0]
    captures = _captures(storage, tiers, history, asked[-1], dataset, summary_type or dataset.summary_types[0])
    known = in_source or {}
    cells = (
        _cell(tier, week, captures, now=now, in_source=known.get((tier, week))) for week in asked for tier in tiers
    )
    return Coverage(dataset.name, now, tuple(asked), tuple(tiers), tuple(cells))


def captured_series(reader: Session | Storage, dataset: Dataset = OTC_TRANSPARENCY) -> list[str]:
    """Summary types of which anything is captured, in the dataset's order."""
    rows = reader.query(
        "SELECT DISTINCT summary_type FROM core_captures WHERE domain = :domain AND pruned_at IS NULL",
        {"domain": dataset.name},
    )
    there = {str(row["summary_type"]) for row in rows}
    return [each for each in dataset.summary_types if each in there]


def asked_weeks(
    tiers: Sequence[Tier], *, weeks: int | None, start: dt.date | None, end: dt.date | None, now: dt.datetime
) -> list[dt.date]:
    """Fridays, oldest first.

    :raises ValidationError: neither a number nor a start, both, an empty range, or more than MAX_WEEKS.
    """
    if (weeks is None) == (start is None):
        raise ValidationError("which weeks? Give either their number or the first one")
    last = end or max(newest_published(tier, now) for tier in tiers)
    count = weeks if start is None else (last - start).days // 7 + 1
    if count is None or not 1 <= count <= MAX_WEEKS:
        raise ValidationError(f"{count} weeks up to {last}: expected 1 to {MAX_WEEKS:,}; give another range")
    return window(last, count)


def tier_params(tiers: Iterable[Tier]) -> tuple[str, dict[str, str]]:
    """What goes between the parentheses of ``tier IN (...)``, and its values."""
    values = {f"tier_{number}": str(tier) for number, tier in enumerate(tiers, start=1)}
    return ", ".join(f":{name}" for name in values), values


@dataclass(frozen=True, slots=True)
class _Observed:
    """The captures of one cell: the newest, their number, and whether one of them serves readers."""

    newest: NewestCapture
    revisions: int
    published: bool
    first_captured_at: dt.datetime


_Captures = Mapping[tuple[Tier, dt.date], _Observed]


def _captures(
    storage: Session | Storage,
    tiers: Iterable[Tier],
    first: dt.date,
    last: dt.date,
    dataset: Dataset,
    summary_type: str,
) -> _Captures:
    """What was captured, by tier and week. Reads the ledger only, by its index: as much as there is of these weeks."""
    marks, values = tier_params(tiers)
    rows = storage.query(
        _SQL.format(tiers=marks),
        {"domain": dataset.name, "summary_type": summary_type, "first": first, "last": last, **values},
    )
    by_cell = groupby(rows, key=lambda row: (Tier(row["tier"]), parse_date(row["week_ending"])))
    return {cell: _observed(list(found)) for cell, found in by_cell}


def _observed(rows: list[dict[str, Any]]) -> _Observed:
    captures = [_newest(list(found)) for _, found in groupby(rows, key=lambda row: int(row["revision"]))]
    there = (row for row in rows if row["hold_reason"] is None and row["pruned_at"] is None)
    published = any(row["stage"] == Stage.AGGREGATED for row in there)
    return _Observed(captures[-1], len(captures), published, captures[0].captured_at)


def _newest(rows: list[dict[str, Any]]) -> NewestCapture:
    row = rows[0]
    at = row["captured_at"]
    return NewestCapture(
        capture_id=row["capture_id"],
        captured_at=dt.datetime.fromisoformat(at) if isinstance(at, str) else at,
        parsed_count=int(row["parsed_count"]),
        rejected_count=int(row["rejected_count"]),
        hold_reason=row["hold_reason"],
        stages=tuple(Stage(each["stage"]) for each in rows if each["stage"]),
    )


def _cell(tier: Tier, week: dt.date, captures: _Captures, *, now: dt.datetime, in_source: bool | None) -> Cell:
    found = captures.get((tier, week))
    newest = found.newest if found else None
    expected = _expected(tier, week, captures)
    missing = tuple(stage for stage in expected if newest is None or stage not in newest.stages)
    return Cell(
        tier=tier,
        week_ending=week,
        published_at=published_at(tier, week),
        state=_state(tier, week, newest, missing, now=now, in_source=in_source),
        revisions=found.revisions if found else 0,
        newest=newest,
        missing=missing,
        published=found.published if found else False,
        first_captured_at=found.first_captured_at if found else None,
    )


def _expected(tier: Tier, week: dt.date, captures: _Captures) -> list[Stage]:
    """Every stage; ROLLING only where the weeks before are there to roll over."""
    before = window(week, ROLLING_WEEKS)[:-1]
    rolls = all((seen := captures.get((tier, earlier))) is not None and seen.published for earlier in before)
    return [stage for stage in Stage if stage is not Stage.ROLLING or rolls]


def _state(
    tier: Tier,
    week: dt.date,
    newest: NewestCapture | None,
    missing: Sequence[Stage],
    *,
    now: dt.datetime,
    in_source: bool | None,
) -> CellState:
    if newest is None:
        late: PublicationState = publication_state(tier, week, now, in_source=in_source, captured=False)
        return CellState(late.value)
    if newest.hold_reason is not None:
        return CellState.HELD
    return CellState.PARTIAL if missing else CellState.COMPLETE
