"""A restatement: what it changed is recorded, what rests on it follows, and the past can still be read."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import window
from spine.finra.download_file import write_week_file
from spine.finra.files import download_name
from spine.finra.synthetic import SyntheticMarket, write_weeks
from spine.storage.as_of import read_as_of
from spine.storage.base import Storage
from tests.support.weekly import Weekly

pytestmark = pytest.mark.integration
NEWEST = dt.date(2026, 4, 10)
WEEKS = window(NEWEST, 8)
RESTATED = WEEKS[1]
MARKET = SyntheticMarket(symbols=dict.fromkeys(Tier, 12), venues=6)
SUMMARY = "finra_otc_transparency_symbol_summary"


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    """Eight weeks of T2, all loaded, and the second one restated on disk."""
    write_weeks(tmp_path, weeks=8, until=dt.date(2026, 5, 15), tiers=[Tier.T2], market=MARKET)
    weekly = Weekly(upgraded_storage, tmp_path)
    for week in WEEKS:
        weekly.run(tier="T2", week_ending=week.isoformat(), file_path=download_name(Tier.T2, week))
    (tmp_path / "restated").mkdir(exist_ok=True)
    write_week_file(MARKET.week(Tier.T2, RESTATED, revision=1), tmp_path / "restated" / "tier2.csv")
    return weekly


def restate(weekly: Weekly) -> list[str]:
    """Load the restatement; the later weeks whose rolling figures were recomputed."""
    ended = weekly.run(tier="T2", week_ending=RESTATED.isoformat(), file_path="restated/tier2.csv")
    return list(ended.results["refresh_dependents"].output["weeks"])


def keys(revision: int) -> dict[tuple[str, str], tuple[object, object]]:
    rows = MARKET.week(Tier.T2, RESTATED, revision=revision).to_pylist()
    numbers = ("totalWeeklyShareQuantity", "totalWeeklyTradeCount")
    return {
        (row["issueSymbolIdentifier"], row["MPID"]): (row[numbers[0]], row[numbers[1]])
        for row in rows
        if all(row[name] for name in numbers)
    }


def test_the_impact_is_what_a_comparison_of_the_files_gives(weekly: Weekly) -> None:
    restate(weekly)
    (row,) = weekly.rows("core_data_revisions")
    old, new = keys(0), keys(1)
    impact = json.loads(row["impact_summary"])
    assert impact["rows_added"] == len(new.keys() - old.keys())
    assert impact["rows_removed"] == len(old.keys() - new.keys())
    assert impact["rows_changed"] == sum(new[key] != old[key] for key in new.keys() & old.keys())
    assert impact["rows_changed"] > 0
    assert row["revision_type"] == "CORRECTION"
    assert impact["symbols_changed"] <= 12
    assert impact["hhi_changed"] > 0


def test_later_weeks_that_rest_on_the_week_follow_and_the_others_do_nothing(weekly: Weekly) -> None:
    before = {
        row["week_ending"]: row["calculated_at"] for row in weekly.rows("finra_otc_transparency_symbol_rolling_latest")
    }
    # Windows of six weeks end with the sixth, seventh and eighth; the restated second week is in the first two of them.
    assert restate(weekly) == [WEEKS[5].isoformat(), WEEKS[6].isoformat()]
    after = {
        row["week_ending"]: row["calculated_at"] for row in weekly.rows("finra_otc_transparency_symbol_rolling_latest")
    }
    changed = {str(week) for week in after if after[week] != before[week]}
    assert changed == {WEEKS[5].isoformat(), WEEKS[6].isoformat()}
    assert restate(weekly) == []


def test_the_past_can_be_read_as_it_was_known(weekly: Weekly) -> None:
    then = weekly.clock()
    known = weekly.rows(f"{SUMMARY}_latest", week_ending=RESTATED)
    restate(weekly)
    assert weekly.rows(f"{SUMMARY}_latest", week_ending=RESTATED) != known
    past = read_as_of(weekly.storage, SUMMARY, then, tier=Tier.T2, week_ending=RESTATED)
    assert sorted(past["symbol"].to_pylist()) == sorted(row["symbol"] for row in known)
    assert {*past["capture_id"].to_pylist()} == {row["capture_id"] for row in known}
    now = read_as_of(weekly.storage, SUMMARY, weekly.clock(), week_ending=RESTATED)
    assert {*now["capture_id"].to_pylist()}.isdisjoint(past["capture_id"].to_pylist())


def test_before_anything_was_known_there_is_nothing(weekly: Weekly) -> None:
    assert read_as_of(weekly.storage, SUMMARY, dt.datetime(2020, 1, 1, tzinfo=dt.UTC)).num_rows == 0
    with pytest.raises(ValidationError, match="no time zone"):
        read_as_of(weekly.storage, SUMMARY, dt.datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_every_window_of_a_later_week_follows(weekly: Weekly) -> None:
    newest = download_name(Tier.T2, WEEKS[5])
    weekly.run(tier="T2", week_ending=WEEKS[5].isoformat(), file_path=newest, window_weeks=5)
    restate(weekly)
    restated = weekly.scalar("SELECT MAX(captured_at) FROM core_captures")
    rows = weekly.rows("finra_otc_transparency_symbol_rolling_latest", week_ending=WEEKS[5])
    assert {row["window_weeks"] for row in rows} == {5, 6}
    assert all(str(row["calculated_at"]) > str(restated) for row in rows)


def test_a_later_week_that_was_restated_too_is_left_to_its_own_run(weekly: Weekly) -> None:
    later = WEEKS[6]
    write_week_file(MARKET.week(Tier.T2, later, revision=1), weekly.root / "restated" / "later.csv")
    params = {"tier": "T2", "week_ending": later.isoformat(), "file_path": "restated/later.csv"}
    aggregated = weekly.load(**params)
    assert restate(weekly) == [WEEKS[5].isoformat(), WEEKS[7].isoformat()]  # the last one rests on the later week
    weekly.run(**params)
    rows = weekly.rows("finra_otc_transparency_symbol_rolling_latest", week_ending=later)
    assert {row["capture_id"] for row in rows} == {aggregated}
    (manifest,) = weekly.rows("core_manifest", capture_id=aggregated, stage="ROLLING")
    (inputs,) = json.loads(manifest["metrics_json"])["inputs"].values()
    latest = {row["week_ending"]: row["capture_id"] for row in weekly.rows("core_latest", stage="AGGREGATED")}
    assert inputs["captures"] == [latest[week] for week in sorted(latest)[1:7]]
