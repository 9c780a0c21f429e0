"""Figures over several weeks: windows, gaps, thresholds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import TransformError
from spine.core.results import StepResult
from spine.core.tiers import Tier
from spine.core.weeks import published_on
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.pipelines.context import StepContext
from spine.pipelines.registry import get_pipeline
from spine.pipelines.rolling import Rolling, compute_rolling
from spine.storage.base import Storage
from spine.storage.ledger import Capture, set_hold
from tests.support.reference import Week, differences, rolling
from tests.support.weekly import PREFIX, Weekly, file_of, line

FRIDAYS = [dt.date(2026, 2, 27) + dt.timedelta(days=7 * week) for week in range(5)]
MISSING = FRIDAYS[2]
MARKET = SyntheticMarket(symbols={Tier.T2: 120}, venues=6)  # 120: some are not listed in every week
COLUMNS = ("issueSymbolIdentifier", "MPID", "totalWeeklyShareQuantity", "totalWeeklyTradeCount")


def compute(weekly: Weekly, capture_id: str, **params: Any) -> StepResult:
    context = StepContext(
        weekly.storage, weekly.settings, params, {"ingest": {"capture_id": capture_id}}, clock=weekly.clock
    )
    return get_pipeline("finra.otc_transparency.compute_rolling").run(context)


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    return Weekly(upgraded_storage, tmp_path)


def is_exact(weekly: Weekly) -> bool:
    return weekly.storage.dialect.name != "sqlite"


def test_windows_of_every_length_over_weeks_with_a_gap(weekly: Weekly) -> None:
    weeks, captures = {}, {}
    for friday in FRIDAYS:
        if friday != MISSING:
            table = MARKET.week(Tier.T2, friday)
            # Some symbols miss a week of their own: each Friday leaves another twelfth of them out.
            rows = list(zip(*(table[name].to_pylist() for name in COLUMNS), strict=True))
            kept = [
                index for index, row in enumerate(rows) if sum(row[0].encode()) % 12 != friday.toordinal() // 7 % 12
            ]
            write_week_file(table.take(kept), weekly.root / "tier2.psv")
            weeks[friday] = Week([rows[index] for index in kept])
            captures[friday] = weekly.load(file_path="tier2.psv")
    for as_of in (FRIDAYS[0], FRIDAYS[3], FRIDAYS[4]):
        for window in (2, 3, 6):
            compute(weekly, captures[as_of], window_weeks=window)
            found = weekly.rows(f"{PREFIX}_symbol_rolling", capture_id=captures[as_of], window_weeks=window)
            expected = rolling(weeks, as_of, window)
            assert not differences(found, "symbol", expected, is_exact(weekly)), (as_of, window)
    counts = {row["weeks_in_window"] for row in found}
    assert len(counts) > 2, "symbols that miss weeks are part of this test"
    assert {row["weeks_loaded"] for row in found} == {4}


def refresh(weekly: Weekly, friday: dt.date, **volumes: str) -> str:
    """Load a week of the given volumes; the capture's id."""
    updated = published_on(Tier.OTCE, friday).isoformat()
    lines = (line(symbol, shares=volume, updated=updated) for symbol, volume in volumes.items())
    return weekly.load(file_path=weekly.write(file_of(*lines)))


# First and last volume, and what the change is called: exactly five per cent is still flat.
TRENDS = {
    "SAME": ("100", "100", "FLAT"),
    "UP5": ("100", "105", "FLAT"),
    "UP5MORE": ("100", "105.000001", "UP"),
    "DOWN5": ("100", "95", "FLAT"),
    "DOWN5MORE": ("100", "94.999999", "DOWN"),
    "SMALL": ("0.000001", "0.000002", "UP"),
    "FIFTH": ("0.2", "0.21", "FLAT"),
    "ONE": ("1", "1.05", "FLAT"),
    "ONELESS": ("1", "0.95", "FLAT"),
    "THIRD": ("1.1", "1.155", "FLAT"),
    "ODD": ("1234.56", "1296.288", "FLAT"),
    "ODDLESS": ("1234.56", "1172.832", "FLAT"),
    "LARGE": ("20000000000", "21000000000", "FLAT"),
    "LARGEMORE": ("20000000000", "21000000001", "UP"),
    "LARGELESS": ("20000000000", "18999999999", "DOWN"),
    "TENFOLD": ("5", "50", "UP"),
}


def test_five_per_cent_either_way_is_flat_and_a_millionth_more_is_not(weekly: Weekly) -> None:
    first, second = dt.date(2025, 11, 7), dt.date(2025, 11, 14)
    refresh(weekly, first, **{symbol: before for symbol, (before, _, _) in TRENDS.items()})
    newest = refresh(weekly, second, **{symbol: after for symbol, (_, after, _) in TRENDS.items()})
    compute(weekly, newest, window_weeks=2)
    found = {row["symbol"]: row["trend_direction"] for row in weekly.rows(f"{PREFIX}_symbol_rolling")}
    assert found == {symbol: trend for symbol, (_, _, trend) in TRENDS.items()}


def test_a_symbol_of_one_week_has_no_trend_and_one_that_left_no_row(weekly: Weekly) -> None:
    refresh(weekly, dt.date(2025, 11, 7), LEFT="5", STAYED="10")
    newest = refresh(weekly, dt.date(2025, 11, 14), STAYED="20", CAME="7")
    compute(weekly, newest, window_weeks=2)
    found = {row["symbol"]: row for row in weekly.rows(f"{PREFIX}_symbol_rolling_latest")}
    assert found.keys() == {"CAME", "STAYED"}
    assert (found["CAME"]["trend_direction"], found["CAME"]["trend_pct"], found["CAME"]["weeks_in_window"]) == (
        None, None, 1,
    )  # fmt: skip
    assert (found["STAYED"]["trend_direction"], found["STAYED"]["trend_pct"]) == ("UP", 100)


def test_another_window_of_the_same_week_stands_beside_the_first(weekly: Weekly) -> None:
    refresh(weekly, dt.date(2025, 11, 7), A="5")
    newest = refresh(weekly, dt.date(2025, 11, 14), A="10")
    assert compute(weekly, newest, window_weeks=2).status == "done"
    assert compute(weekly, newest, window_weeks=2).status == "unchanged"
    assert compute(weekly, newest, window_weeks=3).status == "done"
    windows = {row["window_weeks"]: row["is_complete"] for row in weekly.rows(f"{PREFIX}_symbol_rolling_latest")}
    assert windows == {2: 1, 3: 0}


def test_a_capture_that_readers_do_not_have_has_no_figures(weekly: Weekly) -> None:
    friday = dt.date(2025, 11, 14)
    superseded = refresh(weekly, friday, A="5")
    newest = refresh(weekly, friday, A="6")
    with pytest.raises(TransformError, match=f"readers do not have {superseded}: it is held, or no longer the newest"):
        compute(weekly, superseded, window_weeks=2)
    set_hold(weekly.storage, newest, "looks odd")
    with pytest.raises(TransformError, match=newest):
        compute(weekly, newest, window_weeks=2)
    assert compute(weekly, superseded, window_weeks=2).status == "done"
    assert {row["capture_id"] for row in weekly.rows(f"{PREFIX}_symbol_rolling")} == {superseded}


def test_a_mean_of_fractions_is_that_of_their_exact_sum(weekly: Weekly) -> None:
    """Doubles added up one by one would depend on the order, and that on the plan: 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1."""
    for week, shares in enumerate(("0.1", "0.2", "0.3")):
        newest = refresh(weekly, dt.date(2026, 3, 6) + dt.timedelta(days=7 * week), A=shares)
    compute(weekly, newest, window_weeks=3)
    [mean] = [row["avg_volume"] for row in weekly.rows(f"{PREFIX}_symbol_rolling_latest")]
    assert mean == 0.6 / 3 if is_exact(weekly) else mean == pytest.approx(0.2, rel=1e-15)


class NeighbourPublishes(Rolling):
    """Lets a run of another week come in between: after the look at the inputs, before anything is written."""

    def __init__(self, run: Callable[[], object]) -> None:
        super().__init__(OTC_TRANSPARENCY)
        object.__setattr__(self, "_run", run)

    __slots__ = ("_run",)

    def inputs(self, storage: Storage, context: StepContext, capture: Capture) -> dict[str, Any]:
        found = super().inputs(storage, context, capture)
        run, no_more = self._run, lambda: None  # type: ignore[attr-defined]
        object.__setattr__(self, "_run", no_more)
        run()
        return found


def test_a_week_before_that_is_restated_meanwhile_is_in_the_figures(weekly: Weekly) -> None:
    before, friday = dt.date(2025, 11, 7), dt.date(2025, 11, 14)
    refresh(weekly, before, A="100")
    newest = refresh(weekly, friday, A="10")

    def restate() -> None:
        restated = refresh(weekly, before, A="300")
        context = StepContext(
            weekly.storage, weekly.settings, {}, {"ingest": {"capture_id": restated}}, clock=weekly.clock
        )
        dependents = get_pipeline("finra.otc_transparency.refresh_dependents").run(context)
        assert dependents.output["weeks"] == [], "there are no figures yet that could be refreshed"

    compute_with = replace(compute_rolling, derivation=NeighbourPublishes(restate))
    context = StepContext(
        weekly.storage, weekly.settings, {"window_weeks": 2}, {"ingest": {"capture_id": newest}}, clock=weekly.clock
    )
    assert compute_with.run(context).status == "done"
    [mean] = [row["avg_volume"] for row in weekly.rows(f"{PREFIX}_symbol_rolling_latest")]
    assert mean == 155, "the mean of 300 and 10, not of 100 and 10"
    assert compute(weekly, newest, window_weeks=2).status == "unchanged"
