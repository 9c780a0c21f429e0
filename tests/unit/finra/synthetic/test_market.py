"""The synthetic market: the same for everyone, and like FINRA's where Spine would notice a difference."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import is_session, published_on, sessions_of, window
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SCHEMA, SUMMARY_TYPES, SyntheticMarket

WEEK = dt.date(2026, 4, 10)
HOLIDAY_WEEK = dt.date(2026, 4, 3)  # Good Friday: four sessions
LAST_WHOLE_WEEK = dt.date(2026, 2, 20)
RESTATED_WEEK = dt.date(2026, 2, 27)  # of T2, with the default seed

# Whoever changes these changes every file and benchmark made from the market: say so in the changelog.
GOLDEN = {
    (Tier.T1, WEEK, "ATS_W_SMBL_FIRM", 0): "6f1f9125714ba3dcbda68da14aabc7e7b50cdadab79584b1ea42f332a0542de3",
    (Tier.T2, RESTATED_WEEK, "ATS_W_SMBL_FIRM", 1): "e67a5c1d1edbeeb60673bfd5090bfc903d7ec27f85ad37476b041be23a464f8a",
    (
        Tier.OTCE,
        LAST_WHOLE_WEEK,
        "ATS_W_SMBL_FIRM",
        0,
    ): "888bc8452755610b2d271d4b8362f3b3a7f9e9885fa4f1115f43ef6afe3969ef",
    (Tier.T2, HOLIDAY_WEEK, "OTC_W_SMBL_FIRM", 0): "388a61c919833cd50d63eb916a9035f5bef6a23cdc5fdf49a949f008baa67fd0",
    (Tier.T1, dt.date(2022, 7, 8), "OTC_W_FIRM", 1): "0c58b9bbe3023631a3de5ccd87be7e49830fca07d1f491bced28f31b0d261e4b",
}


def digest(rows: pa.Table) -> str:
    """SHA-256 over the values as text: Arrow's own formats may change with its version."""
    text = "\n".join("|".join(map(str, row.values())) for row in rows.to_pylist())
    return hashlib.sha256(text.encode()).hexdigest()


def key(row: dict[str, Any]) -> tuple[str | None, str | None, int | None]:
    return row["issueSymbolIdentifier"], row["MPID"], row["firmCRDNumber"]


def rows_by_key(rows: pa.Table) -> dict[tuple[str | None, str | None, int | None], dict[str, Any]]:
    return {key(row): row for row in rows.to_pylist()}


def shares(rows: pa.Table, *by: str) -> dict[tuple[Any, ...], Decimal]:
    totals: Counter[tuple[Any, ...]] = Counter()
    for row in rows.to_pylist():
        totals[tuple(row[name] for name in by)] += row["totalWeeklyShareQuantity"]
    return dict(totals)


def volume(tier: Tier, week_ending: dt.date) -> Decimal:
    return shares(SyntheticMarket().week(tier, week_ending))[()]


class TestTheSameForEveryone:
    @pytest.mark.parametrize(("tier", "week_ending", "summary_type", "revision"), GOLDEN)
    def test_a_week_is_what_it_always_was(
        self, tier: Tier, week_ending: dt.date, summary_type: str, revision: int
    ) -> None:
        rows = SyntheticMarket().week(tier, week_ending, summary_type=summary_type, revision=revision)
        assert digest(rows) == GOLDEN[tier, week_ending, summary_type, revision]

    @pytest.mark.parametrize("hash_seed", ["0", "4711"])
    def test_another_process_with_another_hash_seed_has_the_same_week(self, hash_seed: str, tmp_path: Path) -> None:
        program = (
            "import sys, datetime; from pathlib import Path\n"
            "from spine.core.tiers import Tier; from spine.finra.synthetic import SyntheticMarket\n"
            "from spine.finra.download_file import write_week_file\n"
            f"write_week_file(SyntheticMarket().week(Tier.T2, {WEEK!r}), Path(sys.argv[1]))"
        )
        other, own = tmp_path / "other", tmp_path / "own"
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", program, str(other)], env=environment, check=True)
        write_week_file(SyntheticMarket().week(Tier.T2, WEEK), own)
        assert other.read_bytes() == own.read_bytes()

    def test_what_was_generated_before_does_not_matter(self) -> None:
        fresh = SyntheticMarket().week(Tier.T1, WEEK)
        market = SyntheticMarket()
        for week_ending in reversed(window(WEEK, 3)):
            market.week(Tier.T1, week_ending, revision=1)
        assert market.week(Tier.T1, WEEK).equals(fresh)

    def test_another_seed_is_another_market(self) -> None:
        assert not SyntheticMarket(seed=8).week(Tier.T1, WEEK).equals(SyntheticMarket().week(Tier.T1, WEEK))

    def test_a_larger_market_keeps_the_rows_of_a_smaller_one(self) -> None:
        small = rows_by_key(SyntheticMarket(symbols={Tier.T1: 20}).week(Tier.T1, WEEK))
        large = rows_by_key(SyntheticMarket(symbols={Tier.T1: 60}).week(Tier.T1, WEEK))
        assert small.items() <= large.items()


class TestRows:
    @pytest.mark.parametrize("tier", Tier)
    @pytest.mark.parametrize("summary_type", SUMMARY_TYPES)
    def test_every_summary_type_has_finras_fields_and_unique_keys(self, tier: Tier, summary_type: str) -> None:
        rows = SyntheticMarket().week(tier, WEEK, summary_type=summary_type)
        assert rows.schema == SCHEMA
        assert len(rows_by_key(rows)) == rows.num_rows > 0
        assert set(rows["summaryTypeCode"].to_pylist()) == {summary_type}
        assert set(rows["tierDescription"].to_pylist()) == {tier.description}
        assert set(rows["weekStartDate"].to_pylist()) == {dt.date(2026, 4, 6)}

    @settings(max_examples=25, deadline=None)
    @given(
        seed=st.integers(0, 2**63),
        tier=st.sampled_from(Tier),
        weeks=st.integers(0, 700),
        symbols=st.integers(1, 30),
        venues=st.integers(1, 60),
        revision=st.sampled_from([0, 1]),
    )
    def test_any_market_and_week_has_valid_rows(
        self, seed: int, tier: Tier, weeks: int, symbols: int, venues: int, revision: int
    ) -> None:
        market = SyntheticMarket(seed=seed, symbols={tier: symbols}, venues=venues)
        week_ending = dt.date(2014, 7, 4) + dt.timedelta(weeks=weeks)
        for summary_type in ("ATS_W_SMBL_FIRM", "OTC_W_SMBL_FIRM"):
            rows = market.week(tier, week_ending, summary_type=summary_type, revision=revision).to_pylist()
            assert len({key(row) for row in rows}) == len(rows)
            for row in rows:
                assert row["totalWeeklyShareQuantity"] >= row["totalWeeklyTradeCount"] >= 1
                assert row["lastUpdateDate"] >= row["initialPublishedDate"] == published_on(tier, week_ending)

    def test_rows_are_ordered_by_symbol_then_mpid(self) -> None:
        keys = [key(row)[:2] for row in SyntheticMarket().week(Tier.T1, WEEK).to_pylist()]
        assert keys == sorted(keys)

    def test_venue_rows_have_an_mpid_and_firm_rows_a_crd_number(self) -> None:
        venues = SyntheticMarket().week(Tier.T1, WEEK)
        firms = SyntheticMarket().week(Tier.T1, WEEK, summary_type="OTC_W_SMBL_FIRM")
        assert (venues["MPID"].null_count, venues["firmCRDNumber"].null_count) == (0, venues.num_rows)
        assert (firms["MPID"].null_count, firms["firmCRDNumber"].null_count) == (firms.num_rows, 0)
        names = {row["firmCRDNumber"]: row["marketParticipantName"] for row in firms.to_pylist()}
        assert names.pop(0) == "De Minimis Firms"
        assert "De Minimis Firms" not in names.values()

    def test_only_firms_with_200_trades_a_day_are_named(self) -> None:
        rows = SyntheticMarket().week(Tier.T1, HOLIDAY_WEEK, summary_type="OTC_W_SMBL_FIRM").to_pylist()
        named = [row["totalWeeklyTradeCount"] for row in rows if row["firmCRDNumber"]]
        assert named and min(named) >= 200 * len(sessions_of(HOLIDAY_WEEK))

    @pytest.mark.parametrize("tier", Tier)
    @pytest.mark.parametrize("side", ["ATS", "OTC"])
    @pytest.mark.parametrize("revision", [0, 1])
    def test_summary_types_add_up(self, tier: Tier, side: str, revision: int) -> None:
        market = SyntheticMarket()
        detail, by_symbol, by_firm = (
            market.week(tier, WEEK, summary_type=f"{side}_W_{grain}", revision=revision)
            for grain in ("SMBL_FIRM", "SMBL", "FIRM")
        )
        symbol = ("issueSymbolIdentifier", "issueName", "productTypeCode")
        assert shares(detail, *symbol) == shares(by_symbol, *symbol)
        assert shares(detail) == shares(by_firm)
        if side == "ATS":
            assert shares(detail, "MPID") == shares(by_firm, "MPID")

    def test_a_tier_of_otc_equities_trades_on_few_venues(self) -> None:
        market = SyntheticMarket()
        venues = {tier: len(set(market.week(tier, WEEK)["MPID"].to_pylist())) for tier in Tier}
        assert venues == {Tier.T1: 40, Tier.T2: 40, Tier.OTCE: 10}

    def test_fifty_thousand_rows_and_more_come_from_more_symbols(self) -> None:
        rows = SyntheticMarket(symbols={Tier.T1: 2500}).week(Tier.T1, WEEK)
        assert rows.num_rows > 50_000
        assert rows.group_by(["issueSymbolIdentifier", "MPID"]).aggregate([]).num_rows == rows.num_rows


class TestOverTime:
    @pytest.mark.parametrize("tier", Tier)
    def test_fractions_begin_with_the_week_of_2026_02_23(self, tier: Tier) -> None:
        market = SyntheticMarket(symbols=dict.fromkeys(Tier, 200))
        before, after = (
            market.week(tier, week_ending)["totalWeeklyShareQuantity"].to_pylist()
            for week_ending in (LAST_WHOLE_WEEK, LAST_WHOLE_WEEK + dt.timedelta(days=7))
        )
        assert all(quantity == int(quantity) for quantity in before)
        assert 0.09 < sum(quantity != int(quantity) for quantity in after) / len(after) < 0.17

    @pytest.mark.parametrize("tier", Tier)
    def test_a_week_with_a_closed_day_has_less_volume_than_its_neighbours(self, tier: Tier) -> None:
        holiday = volume(tier, HOLIDAY_WEEK)
        assert holiday < volume(tier, HOLIDAY_WEEK - dt.timedelta(days=7))
        assert holiday < volume(tier, HOLIDAY_WEEK + dt.timedelta(days=7))

    @pytest.mark.parametrize("tier", Tier)
    def test_symbols_go_up_down_and_nowhere_over_six_weeks(self, tier: Tier) -> None:
        first, *_, last = window(WEEK, 6)
        then, now = (
            shares(SyntheticMarket().week(tier, week_ending), "issueSymbolIdentifier") for week_ending in (first, last)
        )
        changes = [(now[symbol] - then[symbol]) / then[symbol] for symbol in then.keys() & now.keys()]
        up, down = sum(change > 0.05 for change in changes), sum(change < -0.05 for change in changes)
        assert min(up, down, len(changes) - up - down) > len(changes) // 10

    @pytest.mark.parametrize("tier", Tier)
    def test_symbols_come_and_go(self, tier: Tier) -> None:
        first, *_, last = window(WEEK, 8)
        then, now = (
            set(SyntheticMarket().week(tier, day)["issueSymbolIdentifier"].to_pylist()) for day in (first, last)
        )
        assert then - now and now - then
        assert len(then & now) > 0.8 * len(then)

    def test_names_and_tapes_change_rarely(self) -> None:
        market = SyntheticMarket()
        seen = [rows_by_key(market.week(Tier.T1, day, summary_type="ATS_W_SMBL")) for day in window(WEEK, 300)[::50]]
        pairs = [(old[k], new[k]) for old, new in itertools.pairwise(seen) for k in old.keys() & new.keys()]
        renamed = sum(old["issueName"] != new["issueName"] for old, new in pairs)
        moved = sum(old["productTypeCode"] != new["productTypeCode"] for old, new in pairs)
        assert 0 < moved < 0.1 * len(pairs)
        assert 0 < renamed < 0.25 * len(pairs)

    def test_some_symbols_are_classes_with_a_dot(self) -> None:
        rows = SyntheticMarket().week(Tier.T2, WEEK).to_pylist()
        dotted = {row["issueSymbolIdentifier"]: row["issueName"] for row in rows if "." in row["issueSymbolIdentifier"]}
        assert dotted
        assert all(name.endswith("Class B Common Stock") for name in dotted.values())

    def test_volume_is_concentrated_in_few_symbols(self) -> None:
        volumes = sorted(shares(SyntheticMarket().week(Tier.T1, WEEK), "issueSymbolIdentifier").values(), reverse=True)
        assert sum(volumes[:12]) > sum(volumes) / 3

    @pytest.mark.parametrize("tier", Tier)
    def test_unrevised_rows_carry_the_publication_day(self, tier: Tier) -> None:
        rows = SyntheticMarket().week(tier, HOLIDAY_WEEK)
        assert set(rows["lastUpdateDate"].to_pylist()) == {published_on(tier, HOLIDAY_WEEK)}
        assert set(rows["initialPublishedDate"].to_pylist()) == {published_on(tier, HOLIDAY_WEEK)}
        assert set(rows["lastReportedDate"].to_pylist()) == {dt.date(2026, 4, 2)}


class TestRestatements:
    def test_a_restatement_corrects_adds_and_removes_a_few_rows(self) -> None:
        market = SyntheticMarket()
        first = rows_by_key(market.week(Tier.T2, RESTATED_WEEK))
        restated = rows_by_key(market.week(Tier.T2, RESTATED_WEEK, revision=1))
        added, removed = restated.keys() - first.keys(), first.keys() - restated.keys()
        corrected = {k for k in first.keys() & restated.keys() if first[k] != restated[k]}
        assert added and removed and corrected
        assert len(added | removed | corrected) < 0.1 * len(first)
        for k in corrected:
            assert first[k]["totalWeeklyShareQuantity"] != restated[k]["totalWeeklyShareQuantity"]
        restated_on = market.restated_on(Tier.T2, RESTATED_WEEK)
        later = {k for k, row in restated.items() if row["lastUpdateDate"] == row["lastReportedDate"] == restated_on}
        assert later == added | corrected

    @pytest.mark.parametrize("tier", Tier)
    def test_restatements_are_few_and_after_publication(self, tier: Tier) -> None:
        market, weeks = SyntheticMarket(), window(WEEK, 250)
        restated = [week_ending for week_ending in weeks if market.restated(tier, week_ending)]
        assert 0.04 < len(restated) / len(weeks) < 0.16
        for week_ending in restated:
            day = market.restated_on(tier, week_ending)
            assert day > published_on(tier, week_ending) and is_session(day)
            assert market.revision_on(tier, week_ending, day - dt.timedelta(days=1)) == 0
            assert market.revision_on(tier, week_ending, day) == 1

    def test_a_week_that_is_never_restated_stays_at_its_first_revision(self) -> None:
        assert SyntheticMarket().revision_on(Tier.T1, WEEK, dt.date(2036, 1, 1)) == 0


class TestRefusals:
    def test_a_day_that_is_no_friday(self) -> None:
        with pytest.raises(ValidationError, match="did you mean 2026-04-10"):
            SyntheticMarket().week(Tier.T1, dt.date(2026, 4, 8))

    def test_an_unknown_summary_type(self) -> None:
        with pytest.raises(ValidationError, match="did you mean 'ATS_W_SMBL'"):
            SyntheticMarket().week(Tier.T1, WEEK, summary_type="ATS_SMBL")

    def test_a_second_restatement(self) -> None:
        with pytest.raises(ValidationError, match="expected 0"):
            SyntheticMarket().week(Tier.T1, WEEK, revision=2)

    def test_a_market_larger_than_its_names(self) -> None:
        with pytest.raises(ValidationError, match="symbols of T2"):
            SyntheticMarket(symbols={Tier.T2: 50_001})
        with pytest.raises(ValidationError, match="1 to 400"):
            SyntheticMarket(venues=0)
