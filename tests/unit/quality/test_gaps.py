"""From what is missing to the command that brings it."""

from __future__ import annotations

import datetime as dt
import shlex

from spine.core.tiers import Tier
from spine.core.weeks import window
from spine.quality.coverage import CellState, Coverage, coverage
from spine.quality.gaps import Severity, gaps, remedies
from spine.storage.base import Storage
from spine.storage.ledger import Stage
from tests.support.ledger import ALL, add_capture

FRIDAY = dt.date(2026, 4, 10)
WEEKS = window(FRIDAY, 4)
JULY = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


def _seen(storage: Storage, **options: object) -> Coverage:
    return coverage(storage, weeks=len(WEEKS), end=FRIDAY, now=JULY, **options)  # type: ignore[arg-type]


def _fill(storage: Storage, *but: tuple[Tier, dt.date]) -> None:
    for tier in Tier:
        for week in WEEKS:
            if (tier, week) not in but:
                add_capture(storage, tier, week)


def test_complete_weeks_have_no_gap(upgraded_storage: Storage) -> None:
    _fill(upgraded_storage)
    assert gaps(_seen(upgraded_storage)) == remedies([]) == []


def test_one_missing_week_is_one_refresh(upgraded_storage: Storage) -> None:
    _fill(upgraded_storage, (Tier.T1, FRIDAY))
    [gap] = found = gaps(_seen(upgraded_storage))
    assert (gap.severity, gap.partial, gap.missing_stages) == (Severity.CRITICAL, False, ALL[:3])
    assert gap.command == "airflow spine run finra.weekly_refresh -p tier=T1 -p week_ending=2026-04-10"
    [remedy] = remedies(found)
    assert (remedy.command, remedy.reason) == (gap.command, "T1 2026-04-10 is not captured")


def test_consecutive_weeks_of_several_tiers_are_one_backfill(upgraded_storage: Storage) -> None:
    both = [(tier, week) for tier in (Tier.T2, Tier.OTCE) for week in WEEKS[1:3]]
    _fill(upgraded_storage, *both)
    found = gaps(_seen(upgraded_storage))
    assert len(found) == 4
    [remedy] = remedies(found)
    assert remedy.command == (
        'airflow spine run finra.backfill -p \'tiers=["T2","OTCE"]\' -p start_week=2026-03-27 -p end_week=2026-04-03 '
        "-p mode=missing"
    )
    assert shlex.split(remedy.command) == list(remedy.args)


def test_weeks_apart_are_commands_apart_the_newest_first(upgraded_storage: Storage) -> None:
    _fill(upgraded_storage, (Tier.T1, WEEKS[0]), (Tier.T1, WEEKS[2]), (Tier.T1, WEEKS[3]))
    reasons = [remedy.reason for remedy in remedies(gaps(_seen(upgraded_storage)))]
    assert reasons == ["T1: the 2 weeks 2026-04-03 to 2026-04-10 are not captured", "T1 2026-03-20 is not captured"]


def test_half_done_weeks_are_asked_for_again_and_not_passed_over(upgraded_storage: Storage) -> None:
    _fill(upgraded_storage, *((Tier.T1, week) for week in WEEKS[:2]))
    for week in WEEKS[:2]:
        add_capture(upgraded_storage, Tier.T1, week, ALL[:2])
    found = gaps(_seen(upgraded_storage))
    assert [(gap.partial, gap.missing_stages) for gap in found] == [(True, (Stage.AGGREGATED,))] * 2
    [remedy] = remedies(found)
    assert remedy.args[-1] == "mode=refresh"


def test_what_finra_has_not_published_is_a_warning_only(upgraded_storage: Storage) -> None:
    _fill(upgraded_storage, (Tier.T1, FRIDAY))
    [gap] = gaps(_seen(upgraded_storage, in_source={(Tier.T1, FRIDAY): False}))
    assert (gap.state, gap.severity) == (CellState.LATE_AT_SOURCE, Severity.WARNING)


def test_a_week_without_its_rolling_figures_is_a_warning_only(upgraded_storage: Storage) -> None:
    _fill(upgraded_storage)
    for week in window(WEEKS[0], 3)[:-1]:
        add_capture(upgraded_storage, Tier.T1, week)
    [gap] = gaps(_seen(upgraded_storage))
    assert (gap.week_ending, gap.missing_stages, gap.severity) == (FRIDAY, (Stage.ROLLING,), Severity.WARNING)


def test_a_held_week_is_no_gap(upgraded_storage: Storage) -> None:
    _fill(upgraded_storage, (Tier.T1, FRIDAY))
    add_capture(upgraded_storage, Tier.T1, FRIDAY, ALL[:1], held="too few rows")
    assert gaps(_seen(upgraded_storage)) == []
