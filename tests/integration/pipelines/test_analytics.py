"""The figures of one week against the same figures computed in plain Python."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.base import Storage
from tests.support.reference import Week, differences
from tests.support.weekly import PREFIX, Weekly, file_of, line

FRIDAY = dt.date(2026, 4, 3)  # Good Friday: four sessions, and fractional shares
MARKET = SyntheticMarket(symbols={Tier.T2: 80, Tier.T1: 30}, venues=14)
COLUMNS = ("issueSymbolIdentifier", "MPID", "totalWeeklyShareQuantity", "totalWeeklyTradeCount")


def week_of(tier: Tier) -> Week:
    return Week(list(zip(*(MARKET.week(tier, FRIDAY)[name].to_pylist() for name in COLUMNS), strict=True)))


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    deployed = Weekly(upgraded_storage, tmp_path)
    write_week_file(MARKET.week(Tier.T2, FRIDAY), tmp_path / "tier2.psv")
    deployed.load(file_path="tier2.psv")
    return deployed


def is_exact(weekly: Weekly) -> bool:
    return weekly.storage.dialect.name != "sqlite"


def test_symbol_summary(weekly: Weekly) -> None:
    found = weekly.rows(f"{PREFIX}_symbol_summary_latest")
    assert not differences(found, "symbol", week_of(Tier.T2).symbol_summary(), is_exact(weekly))
    assert any(float(row["total_volume"]) % 1 for row in found), "a week without fractions proves little"


def test_venue_share(weekly: Weekly) -> None:
    found = weekly.rows(f"{PREFIX}_venue_share_latest")
    assert not differences(found, "mpid", week_of(Tier.T2).venue_share(), is_exact(weekly))
    assert sum(row["market_share_pct"] for row in found) == pytest.approx(1, abs=1e-12)
    assert sorted(row["rank"] for row in found) == list(range(1, len(found) + 1))


def test_concentration(weekly: Weekly) -> None:
    found = weekly.rows(f"{PREFIX}_concentration_latest")
    assert not differences(found, "symbol", week_of(Tier.T2).concentration(), is_exact(weekly))
    assert all(0 < row["hhi"] <= row["top_venue_share"] <= row["top_3_venue_share"] <= 1 + 1e-12 for row in found)


def test_liquidity_score(weekly: Weekly) -> None:
    found = {row["symbol"]: row for row in weekly.rows(f"{PREFIX}_liquidity_score_latest")}
    expected = week_of(Tier.T2).symbol_summary()
    assert found.keys() == expected.keys()
    for symbol, figures in expected.items():
        ours = found[symbol]
        assert ours["trading_days"] == 4
        for column, total, parts in (
            ("liquidity_score", figures["total_volume"], figures["venue_count"]),
            ("volume_per_day", figures["total_volume"], 4),
            ("trades_per_day", figures["total_trades"], 4),
        ):
            assert ours[column] == pytest.approx(float(Fraction(total) / parts), rel=1e-12), (symbol, column)


def test_venues_of_equal_volume_rank_by_their_names(upgraded_storage: Storage, tmp_path: Path) -> None:
    weekly = Weekly(upgraded_storage, tmp_path)
    weekly.load(file_path=weekly.write(file_of(*(line("SAME", mpid) for mpid in ("b", "C", "A", "B2", "9")))))
    shares = {row["rank"]: row["mpid"] for row in weekly.rows(f"{PREFIX}_venue_share_latest")}
    assert shares == {1: "9", 2: "A", 3: "B", 4: "B2", 5: "C"}
    [concentration] = weekly.rows(f"{PREFIX}_concentration_latest")
    assert (concentration["top_venue"], concentration["hhi"]) == ("9", pytest.approx(0.2, abs=1e-15))
    assert concentration["top_3_venue_share"] == pytest.approx(0.6, abs=1e-15)


def test_venues_one_millionth_of_a_share_apart(upgraded_storage: Storage, tmp_path: Path) -> None:
    weekly = Weekly(upgraded_storage, tmp_path)
    weekly.load(file_path=weekly.write(file_of(line("S", "A", "123456.000001"), line("S", "B", "123456.000002"))))
    assert [row["rank"] for row in weekly.rows(f"{PREFIX}_venue_share_latest")] == [2, 1]
    assert weekly.rows(f"{PREFIX}_concentration_latest")[0]["top_venue"] == "B"


def test_a_symbols_volume_in_each_tier(weekly: Weekly) -> None:
    def simple(tier: str, *rows: str) -> str:
        lines = (f"2026-04-03|{tier}|{row}" for row in rows)
        return file_of(*lines, header="WeekEnding|Tier|Symbol|MPID|TotalShares|TotalTrades")

    weekly.load(file_path=weekly.write(simple("T1", "BOTH|AAAA|30.5|1", "ONE|AAAA|5|1"), "tier1.psv"))
    weekly.load(file_path=weekly.write(simple("OTC", "BOTH|AAAA|8|1", "BOTH|BBBB|1.5|1"), "week_otc.psv"))
    found = {(row["tier"], row["symbol"]): row for row in weekly.rows(f"{PREFIX}_tier_share_latest")}
    assert len(found) == 3 + len(week_of(Tier.T2).volume)
    assert {row["tiers_loaded"] for row in found.values()} == {3}
    shares = {key: found[key]["tier_volume_share"] for key in (("T1", "BOTH"), ("OTCE", "BOTH"), ("T1", "ONE"))}
    assert shares == {("T1", "BOTH"): 30.5 / 40, ("OTCE", "BOTH"): 9.5 / 40, ("T1", "ONE"): 1}
    assert float(found["T1", "BOTH"]["total_symbol_volume_all_tiers"]) == 40


FIGURES = (("symbol_summary", "symbol"), ("venue_share", "mpid"), ("concentration", "symbol"))


def assert_figures(weekly: Weekly, expected: Week) -> None:
    for table, key in FIGURES:
        found = weekly.rows(f"{PREFIX}_{table}_latest")
        assert not differences(found, key, getattr(expected, table)(), is_exact(weekly)), table


def test_lines_of_several_products_add_up_to_one_row_of_a_venue(upgraded_storage: Storage, tmp_path: Path) -> None:
    weekly = Weekly(upgraded_storage, tmp_path)
    lines = ("S|AAAA|NMS|40.5|2", "S|AAAA|ETF|9.25|1", "S|BBBB|NMS|30|3", "S|CCCC|NMS|20|5", "R|AAAA|NMS|1|1")
    header = "WeekEnding|Tier|Symbol|MPID|ProductTypeCode|TotalShares|TotalTrades"
    weekly.load(file_path=weekly.write(file_of(*(f"2026-04-03|OTC|{each}" for each in lines), header=header)))
    assert weekly.scalar(f"SELECT COUNT(*) FROM {PREFIX}_venue_volume_latest") == len(lines)
    merged = [("S", "AAAA", Decimal("49.75"), 3), ("S", "BBBB", Decimal(30), 3), ("S", "CCCC", Decimal(20), 5)]
    assert_figures(weekly, Week([*merged, ("R", "AAAA", Decimal(1), 1)]))


def test_rows_in_any_order_give_the_same_figures(upgraded_storage: Storage, tmp_path: Path) -> None:
    weekly = Weekly(upgraded_storage, tmp_path)
    write_week_file(MARKET.week(Tier.T2, FRIDAY)[::-1], tmp_path / "tier2.psv")
    weekly.load(file_path="tier2.psv")
    assert_figures(weekly, week_of(Tier.T2))
