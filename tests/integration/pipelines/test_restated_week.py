"""A week that FINRA corrects after its publication, and an old file that turns up again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.base import Storage
from tests.support.weekly import LATEST, PREFIX, Weekly

FIRST, SECOND = dt.date(2026, 3, 6), dt.date(2026, 3, 13)
MARKET = SyntheticMarket(symbols={Tier.T2: 60}, venues=20)


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    for week_ending in (FIRST, SECOND):
        for revision in (0, 1):
            rows = MARKET.week(Tier.T2, week_ending, revision=revision)
            write_week_file(rows, tmp_path / file_of_week(week_ending, revision))
    return Weekly(upgraded_storage, tmp_path)


def file_of_week(week_ending: dt.date, revision: int = 0) -> str:
    return f"tier2_{week_ending}_{revision}.csv"


def refresh(weekly: Weekly, week_ending: dt.date, revision: int = 0) -> dict[str, Any]:
    """Run the workflow with a window of both weeks; the status and output of each step."""
    path = file_of_week(week_ending, revision)
    ended = weekly.run(tier="T2", week_ending=week_ending.isoformat(), file_path=path, window_weeks=2)
    return {name: result.to_dict() for name, result in ended.results.items()}


def published(revision: int) -> list[tuple[Any, ...]]:
    """The first week as FINRA has it: symbol, MPID, shares, trades, date."""
    columns = ("issueSymbolIdentifier", "MPID", "totalWeeklyShareQuantity", "totalWeeklyTradeCount", "lastUpdateDate")
    return _comparable(MARKET.week(Tier.T2, FIRST, revision=revision).select(columns).to_pylist())


def stored(weekly: Weekly, capture_id: str | None = None) -> list[tuple[Any, ...]]:
    """The first week as the database has it: of one capture, or as readers see it."""
    source = f"{PREFIX}_venue_volume WHERE capture_id = :id" if capture_id else f"{PREFIX}_venue_volume_latest"
    rows = weekly.storage.query(
        f"SELECT symbol, mpid, total_shares, total_trades, source_last_update_date FROM {source}", {"id": capture_id}
    )
    return _comparable(rows)


def _comparable(rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    every = (tuple(row.values()) for row in rows)
    return sorted(
        (symbol, mpid, round(float(shares), 6), trades, str(date)) for symbol, mpid, shares, trades, date in every
    )


def test_a_corrected_file_is_revision_1_and_readers_follow(weekly: Weekly) -> None:
    first = refresh(weekly, FIRST)["ingest"]
    restated = refresh(weekly, FIRST, revision=1)["ingest"]
    assert (restated["status"], restated["revision"]) == ("done", 1)
    assert stored(weekly) == published(1) != published(0)
    assert stored(weekly, first["capture_id"]) == published(0)
    for view in LATEST:
        assert {row["capture_id"] for row in weekly.rows(view)} <= {restated["capture_id"]}, view


def test_figures_over_several_weeks_follow_a_corrected_input(weekly: Weekly) -> None:
    refresh(weekly, FIRST)
    assert refresh(weekly, SECOND)["rolling"]["status"] == "done"
    before = weekly.rows(f"{PREFIX}_symbol_rolling_latest")
    assert refresh(weekly, SECOND)["rolling"]["status"] == "unchanged"
    restated = refresh(weekly, FIRST, revision=1)
    assert restated["refresh_dependents"]["weeks"] == [SECOND.isoformat()]
    after = [row for row in weekly.rows(f"{PREFIX}_symbol_rolling_latest") if str(row["week_ending"]) == str(SECOND)]
    assert len(after) == len([row for row in before if str(row["week_ending"]) == str(SECOND)]) > 0
    for row in after:
        two_weeks = weekly.storage.query(
            f"SELECT AVG(CAST(total_volume AS DOUBLE PRECISION)) FROM {PREFIX}_symbol_summary_latest WHERE symbol = :symbol",
            {"symbol": row["symbol"]},
        ).scalar
        assert row["avg_volume"] == pytest.approx(float(two_weeks), rel=1e-12)
    capture_id = restated["ingest"]["capture_id"]
    assert any(capture_id in (row["input_min_capture_id"], row["input_max_capture_id"]) for row in after)


def test_the_old_file_after_the_correction_moves_nothing(weekly: Weekly) -> None:
    refresh(weekly, FIRST)
    newest = refresh(weekly, FIRST, revision=1)["ingest"]["capture_id"]
    before = weekly.counts(), weekly.pictures()
    stale = refresh(weekly, FIRST)
    assert stale["ingest"]["status"] == "unchanged"
    assert f"superseded by {newest}" in stale["ingest"]["message"]
    assert {receipt.get("capture_id", newest) for receipt in stale.values()} == {newest}
    assert (weekly.counts(), weekly.pictures()) == before
