"""Which weeks are there, on both databases."""

from __future__ import annotations

import datetime as dt

import pytest

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import window
from spine.quality.coverage import CellState, Coverage, coverage
from spine.storage.base import Storage
from spine.storage.ledger import Stage
from tests.support.ledger import ALL, THREE, add_capture

FRIDAY = dt.date(2026, 4, 10)  # T1 published on 27 April, T2 and OTCE on 11 May
JULY = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


def _seen(storage: Storage, **options: object) -> Coverage:
    given = {"weeks": 1, "end": FRIDAY, "now": JULY, **options}
    return coverage(storage, **given)  # type: ignore[arg-type]


def test_a_week_that_nobody_brought_is_missing(upgraded_storage: Storage) -> None:
    cell = _seen(upgraded_storage).cell(Tier.T1, FRIDAY)
    assert (cell.state, cell.revisions, cell.newest, cell.published) == (CellState.LATE_HERE, 0, None, False)
    assert cell.missing == THREE  # nothing to roll over


@pytest.mark.parametrize(
    ("now", "in_source", "state"),
    [
        ("2026-04-27T09:59:00+00:00", None, CellState.NOT_DUE),
        ("2026-04-27T10:01:00+00:00", None, CellState.DUE),
        ("2026-04-28T12:00:00+00:00", False, CellState.LATE_AT_SOURCE),
        ("2026-04-28T12:00:00+00:00", True, CellState.LATE_HERE),
        ("2026-04-28T12:00:00+00:00", None, CellState.DUE),  # FINRA could not be asked: nobody is late for two days
        ("2026-04-30T12:00:00+00:00", None, CellState.LATE_HERE),
    ],
)
def test_a_week_without_a_capture_tells_who_is_late(
    upgraded_storage: Storage, now: str, in_source: bool | None, state: CellState
) -> None:
    asked = {} if in_source is None else {(Tier.T1, FRIDAY): in_source}
    seen = _seen(upgraded_storage, now=dt.datetime.fromisoformat(now), in_source=asked)
    assert seen.cell(Tier.T1, FRIDAY).state is state


def test_a_capture_with_every_stage_is_complete(upgraded_storage: Storage) -> None:
    name = add_capture(upgraded_storage, Tier.T1, FRIDAY, rows=4812)
    seen = _seen(upgraded_storage)
    cell = seen.cell(Tier.T1, FRIDAY)
    assert (cell.state, cell.missing, cell.published) == (CellState.COMPLETE, (), True)
    assert cell.newest is not None
    assert (cell.newest.capture_id, cell.newest.parsed_count, cell.newest.stages) == (name, 4812, THREE)
    assert cell.newest.captured_at == JULY
    assert seen.count(CellState.LATE_HERE) == 2


@pytest.mark.parametrize("done", [(), ALL[:1], ALL[:2]])
def test_a_capture_that_lacks_a_stage_is_partial(upgraded_storage: Storage, done: tuple[Stage, ...]) -> None:
    add_capture(upgraded_storage, Tier.T2, FRIDAY, done)
    cell = _seen(upgraded_storage).cell(Tier.T2, FRIDAY)
    assert (cell.state, cell.missing, cell.published) == (CellState.PARTIAL, THREE[len(done) :], False)


def test_rolling_is_expected_once_five_weeks_lie_before(upgraded_storage: Storage) -> None:
    for week in window(FRIDAY, 6):
        add_capture(upgraded_storage, Tier.T1, week)
    seen = _seen(upgraded_storage, weeks=6)
    states = [seen.cell(Tier.T1, week).state for week in seen.weeks]
    assert states == [CellState.COMPLETE] * 5 + [CellState.PARTIAL]
    assert seen.cell(Tier.T1, FRIDAY).missing == (Stage.ROLLING,)


def test_a_held_week_is_no_history_to_roll_over(upgraded_storage: Storage) -> None:
    weeks = window(FRIDAY, 6)
    for week in weeks:
        add_capture(upgraded_storage, Tier.T1, week, held="too few rows" if week == weeks[2] else None)
    assert _seen(upgraded_storage).cell(Tier.T1, FRIDAY).state is CellState.COMPLETE


def test_the_newest_capture_counts_and_readers_keep_the_one_before(upgraded_storage: Storage) -> None:
    add_capture(upgraded_storage, Tier.T1, FRIDAY)
    add_capture(upgraded_storage, Tier.T1, FRIDAY, ALL[:1], revision=1, held="4 rows, expected 1,000 to 100,000")
    cell = _seen(upgraded_storage).cell(Tier.T1, FRIDAY)
    assert (cell.state, cell.revisions, cell.published) == (CellState.HELD, 2, True)
    assert cell.newest is not None
    assert cell.newest.hold_reason == "4 rows, expected 1,000 to 100,000"


def test_only_the_weeks_and_tiers_asked_for_are_there(upgraded_storage: Storage) -> None:
    seen = _seen(upgraded_storage, tiers=[Tier.T2], weeks=None, start=FRIDAY - dt.timedelta(days=14))
    assert (seen.tiers, len(seen.cells)) == ((Tier.T2,), 3)
    assert [week for week, _ in seen.by_week()] == sorted(seen.weeks, reverse=True)


def test_without_an_end_the_newest_published_week_is_the_last(upgraded_storage: Storage) -> None:
    seen = _seen(upgraded_storage, end=None, now=dt.datetime(2026, 6, 30, tzinfo=dt.UTC))
    assert seen.weeks == (dt.date(2026, 6, 12),)
    assert [cell.state for cell in seen.cells] == [CellState.DUE, CellState.NOT_DUE, CellState.NOT_DUE]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": FRIDAY}, "either their number or the first one"),
        ({"weeks": None}, "either their number or the first one"),
        ({"weeks": 0}, "expected 1 to 1,000"),
        ({"weeks": None, "start": FRIDAY + dt.timedelta(days=7)}, "0 weeks up to 2026-04-10"),
    ],
)
def test_a_range_that_is_none_is_refused(upgraded_storage: Storage, options: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _seen(upgraded_storage, **options)
