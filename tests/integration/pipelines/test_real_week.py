"""One real week, from FINRA's file to the figures, and what happens when it comes again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spine.core.errors import ValidationError
from spine.storage.base import Storage
from tests.support.weekly import LATEST, PREFIX, REAL_FILE, Weekly, assert_same

PARAMS = {"tier": "OTCE", "file_path": REAL_FILE}


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path, finra_data: Path) -> Weekly:
    shutil.copy(finra_data / REAL_FILE, tmp_path)
    return Weekly(upgraded_storage, tmp_path)


def test_the_figures_of_the_week_are_the_known_ones(weekly: Weekly) -> None:
    ended = weekly.run(**PARAMS)
    assert ended.results["ingest"].output["week_ending"] == "2025-11-14"
    totals = weekly.storage.query(
        "SELECT COUNT(*) AS venue_rows, SUM(total_shares) AS shares, SUM(total_trades) AS trades, "
        f"COUNT(DISTINCT symbol) AS symbols FROM {PREFIX}_venue_volume_latest"
    ).first
    assert totals == {"venue_rows": 5328, "shares": 1_335_995_901, "trades": 472_776, "symbols": 3111}
    assert weekly.scalar(f"SELECT COUNT(DISTINCT mpid) FROM {PREFIX}_venue_volume_latest") == 9
    assert weekly.scalar(f"SELECT COUNT(*) FROM {PREFIX}_raw") == 5328
    assert weekly.scalar(f"SELECT SUM(hhi) FROM {PREFIX}_concentration_latest") == pytest.approx(
        2520.6879819001, abs=1e-9
    )
    assert weekly.scalar(f"SELECT COUNT(*) FROM {PREFIX}_concentration_latest WHERE hhi = 1") == 1625
    shares = {row["mpid"]: row["market_share_pct"] for row in weekly.rows(f"{PREFIX}_venue_share_latest")}
    known = {"OTCN": 0.8218839348, "OTCX": 0.1442317973, "ARCA": 0.0306914055, "SWCL": 0.0030873441}
    assert {mpid: shares[mpid] for mpid in known} == pytest.approx(known, abs=1e-9)


def test_every_venue_row_is_a_line_of_the_file(weekly: Weekly) -> None:
    weekly.run(**PARAMS)
    text = (weekly.root / REAL_FILE).read_text().splitlines()
    lines = {number: tuple(words.split("|")) for number, words in enumerate(text[1:], start=2)}
    stored = {
        row["line_number"]: (
            "OTC",
            row["symbol"],
            row["issue_name"],
            row["venue_name"],
            row["mpid"],
            str(int(row["total_shares"])),
            str(row["total_trades"]),
            str(row["source_last_update_date"]),
        )
        for row in weekly.rows(f"{PREFIX}_venue_volume_latest", tier="OTCE")
    }
    assert stored == lines


def test_the_same_file_again_changes_nothing(weekly: Weekly) -> None:
    first = weekly.run(**PARAMS).results["ingest"].output["capture_id"]
    before = weekly.counts(), weekly.rows("core_captures"), weekly.rows("core_manifest")
    again = weekly.run(**PARAMS)
    steps = ("ingest", "normalize", "aggregate")
    assert [again.results[name].status for name in steps] == ["unchanged"] * 3
    assert again.results["ingest"].output["capture_id"] == first
    assert (weekly.counts(), weekly.rows("core_captures"), weekly.rows("core_manifest")) == before


def test_the_same_rows_in_another_file_change_nothing(weekly: Weekly) -> None:
    weekly.run(**PARAMS)
    before = weekly.counts()
    header, *lines = (weekly.root / REAL_FILE).read_text().splitlines()
    weekly.write("\r\n".join((header, *reversed(lines))), "reordered_otc.csv")
    again = weekly.ingest(file_path="reordered_otc.csv", tier="OTCE")
    assert again.status == "unchanged"
    assert "the same rows" in again.message
    assert weekly.counts() == before


def test_a_forced_run_is_a_new_observation_that_every_view_follows(weekly: Weekly) -> None:
    first = weekly.run(**PARAMS, window_weeks=2).results["ingest"].output
    expected = weekly.pictures()
    forced = weekly.run(**PARAMS, window_weeks=2, force=True).results["ingest"].output
    assert (first["revision"], forced["revision"]) == (0, 1)
    assert forced["capture_id"] != first["capture_id"]
    for view in LATEST:
        assert {row["capture_id"] for row in weekly.rows(view)} <= {forced["capture_id"]}, view
    assert_same(weekly.pictures(), expected)
    for table in ("raw", "venue_volume", "symbol_summary", "venue_share", "concentration", "liquidity_score"):
        counts = [len(weekly.rows(f"{PREFIX}_{table}", capture_id=each["capture_id"])) for each in (first, forced)]
        assert counts[0] == counts[1] > 0, table


def test_the_file_tells_its_tier_and_week(weekly: Weekly) -> None:
    assert weekly.ingest(file_path=REAL_FILE).output["tier"] == "OTCE"
    assert weekly.ingest(tier="OTC", week_ending="2025-11-14").status == "unchanged"


def test_another_week_than_the_files_is_refused_by_both_names(weekly: Weekly) -> None:
    with pytest.raises(ValidationError, match=r"week_ending 2025-11-21 was given.*week ending 2025-11-14"):
        weekly.ingest(**PARAMS, week_ending="2025-11-21")
    assert not any(weekly.counts().values())
