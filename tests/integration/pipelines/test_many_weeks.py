"""Backfill and look-back: many weeks in one task, the ledger as the checkpoint."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import ConfigurationError, PartialFailure, ValidationError
from spine.core.results import StepResult, StepStatus
from spine.core.tiers import Tier
from spine.core.weeks import window
from spine.finra.files import download_name
from spine.finra.synthetic import SyntheticMarket, write_weeks
from spine.pipelines.registry import get_pipeline
from spine.storage.base import Storage
from tests.support.weekly import Weekly

pytestmark = pytest.mark.integration
NEWEST = dt.date(2026, 4, 10)  # of T2 on 2026-05-15
MARKET = SyntheticMarket(symbols=dict.fromkeys(Tier, 12), venues=6)


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    write_weeks(tmp_path, weeks=8, until=dt.date(2026, 5, 15), tiers=[Tier.T2], market=MARKET)
    return Weekly(upgraded_storage, tmp_path)


def run_weeks(weekly: Weekly, **params: Any) -> StepResult:
    given = {"workflow": "finra.weekly_refresh", "tier": "T2", "source": "file", **params}
    return get_pipeline("core.run_weeks").run(weekly.context(**given))


def weeks_loaded(weekly: Weekly) -> list[str]:
    sql = "SELECT week_ending FROM core_latest WHERE stage = 'AGGREGATED' ORDER BY week_ending"
    return [str(row[0]) for row in weekly.storage.query(sql).rows]


def test_a_range_is_filled_once_and_both_ends_are_included(weekly: Weekly) -> None:
    start = window(NEWEST, 8)[0]
    receipt = run_weeks(weekly, start_week=start.isoformat(), end_week=NEWEST.isoformat())
    assert receipt.output["captured"] == 8
    assert weeks_loaded(weekly) == [week.isoformat() for week in window(NEWEST, 8)]
    rolling = weekly.scalar("SELECT COUNT(DISTINCT week_ending) FROM finra_otc_transparency_symbol_rolling_latest")
    assert rolling == 3  # the sixth, seventh and eighth week have a whole window behind them

    again = run_weeks(weekly, start_week=start.isoformat(), end_week=NEWEST.isoformat())
    assert (again.output["already_complete"], again.output["captured"]) == (8, 0)
    refreshed = run_weeks(weekly, weeks_back=8, end_week=NEWEST.isoformat(), mode="refresh")
    assert (refreshed.output["unchanged"], refreshed.output["captured"]) == (8, 0)


def test_a_week_stopped_before_its_rolling_figures_is_taken_up_again(weekly: Weekly) -> None:
    run_weeks(weekly, weeks_back=8, end_week=NEWEST.isoformat())
    weekly.storage.execute(
        "DELETE FROM core_manifest WHERE stage = 'ROLLING' AND capture_id = "
        "(SELECT capture_id FROM core_captures WHERE week_ending = :week)",
        {"week": NEWEST},
    )
    again = run_weeks(weekly, weeks_back=8, end_week=NEWEST.isoformat())
    assert (again.output["already_complete"], again.output["unchanged"]) == (7, 1)
    assert weekly.scalar("SELECT COUNT(*) FROM core_latest WHERE stage = 'ROLLING'") == 3


def test_a_missing_week_is_named_and_the_others_are_complete(weekly: Weekly) -> None:
    gone = window(NEWEST, 3)[1]
    (weekly.root / download_name(Tier.T2, gone)).unlink()
    with pytest.raises(PartialFailure, match=f"1 of 3 weeks of T2 failed .{gone}") as caught:
        run_weeks(weekly, weeks_back=3, end_week=NEWEST.isoformat())
    assert list(caught.value.context["failed"]) == [gone.isoformat()]
    assert weeks_loaded(weekly) == [window(NEWEST, 3)[0].isoformat(), NEWEST.isoformat()]


def test_what_every_week_would_fail_on_stops_at_the_first(weekly: Weekly) -> None:
    with pytest.raises(ConfigurationError):
        run_weeks(weekly, weeks_back=3, end_week=NEWEST.isoformat(), source="api")
    assert weeks_loaded(weekly) == []


def test_a_tier_that_was_not_asked_for_is_left_alone(weekly: Weekly) -> None:
    assert run_weeks(weekly, tiers=["T1"], weeks_back=2).status is StepStatus.SKIPPED


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "either start_week"),
        ({"weeks_back": 2, "start_week": "2026-04-03"}, "either start_week"),
        ({"start_week": "2026-04-01"}, "did you mean 2026-04-03"),
        ({"start_week": "2026-04-10", "end_week": "2026-04-03"}, "is after 2026-04-03"),
        ({"start_week": "2000-01-07"}, "split the range"),
        ({"weeks_back": 2, "mode": "mising"}, "did you mean 'missing'"),
        ({"weeks_back": 2, "workflow": "finra.weekly_refrsh"}, "did you mean 'finra.weekly_refresh'"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(weekly: Weekly, params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        run_weeks(weekly, **params)
