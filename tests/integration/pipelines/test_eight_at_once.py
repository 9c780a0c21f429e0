"""Eight runs of whole weeks at the same time in one database: each comes to its end, and nobody who reads waits."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.base import Storage
from spine.storage.sqlite import SqliteStorage
from tests.support.elsewhere import run_elsewhere
from tests.support.invariants import broken_invariants
from tests.support.storage import open_storage
from tests.support.weekly import PREFIX, Weekly

pytestmark = pytest.mark.integration

SMALL, LARGE = (SyntheticMarket(symbols=dict.fromkeys(Tier, symbols), venues=60) for symbols in (50, 1050))
# Eight histories of two weeks, far enough apart that no window of one reaches into another.
FIRST = [(tier, dt.date(2025, month, 6)) for month in (1, 3, 5, 7) for tier in (Tier.T1, Tier.T2)]
_COUNTED = f"""
SELECT COUNT(*) AS row_count, SUM(total_shares) AS shares, SUM(total_trades) AS trades
FROM {PREFIX}_venue_volume_latest WHERE tier = :tier AND week_ending = :week_ending"""


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    return Weekly(upgraded_storage, tmp_path)


def written(weekly: Weekly, market: SyntheticMarket, tier: Tier, day: dt.date) -> tuple[dict[str, Any], pa.Table]:
    """Params of a run for the week of a day, and the rows of its file."""
    week_ending = day + dt.timedelta(days=(4 - day.weekday()) % 7)
    rows, name = market.week(tier, week_ending), f"{tier}_{week_ending}.csv"
    write_week_file(rows, weekly.root / name)
    return {"tier": str(tier), "week_ending": week_ending.isoformat(), "file_path": name, "window_weeks": 2}, rows


@contextmanager
def reading_all_the_while(url: str) -> Iterator[list[BaseException]]:
    """Somebody reads what readers read, without any patience; what went wrong."""
    failed: list[BaseException] = []
    ended = threading.Event()

    def read(storage: Storage) -> None:
        while not ended.wait(0.05):
            try:
                storage.query(f"SELECT tier, COUNT(*) FROM {PREFIX}_symbol_summary_latest GROUP BY tier")
                list(storage.stream(f"SELECT symbol FROM {PREFIX}_symbol_rolling_latest"))
            except BaseException as error:  # noqa: BLE001 - told by the test
                failed.append(error)
                return

    with open_storage(url) as storage:
        if isinstance(storage, SqliteStorage):
            storage.busy_timeout = 0.0
        thread = threading.Thread(target=read, args=(storage,))
        thread.start()
        try:
            yield failed
        finally:
            ended.set()
            thread.join()


def run_at_once(weekly: Weekly, url: str, files: list[dict[str, Any]]) -> list[str]:
    """Status of each run's rolling figures."""
    with ExitStack() as stack:
        runs = [stack.enter_context(run_elsewhere(url, weekly.root, params)) for params in files]
        for run in runs:
            run.go()
        return [run.result()["rolling"] for run in runs]


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_eight_tier_weeks_at_once(weekly: Weekly, database_url: str) -> None:
    first = [written(weekly, SMALL, tier, day) for tier, day in FIRST]
    second = [written(weekly, LARGE, tier, day + dt.timedelta(days=7)) for tier, day in FIRST]
    assert min(rows.num_rows for _, rows in second) > 15_000
    with reading_all_the_while(database_url) as failed:
        assert run_at_once(weekly, database_url, [params for params, _ in first]) == ["skipped"] * 8  # no week before
        assert run_at_once(weekly, database_url, [params for params, _ in second]) == ["done"] * 8
    assert not failed
    for params, rows in first + second:
        week = {"tier": params["tier"], "week_ending": dt.date.fromisoformat(params["week_ending"])}
        [found] = weekly.storage.query(_COUNTED, week)
        assert found["row_count"] == rows.num_rows
        assert found["trades"] == pc.sum(rows["totalWeeklyTradeCount"]).as_py()
        shares = float(pc.sum(rows["totalWeeklyShareQuantity"]).as_py())
        assert float(found["shares"]) == pytest.approx(shares, rel=1e-12)
    assert not broken_invariants(weekly)
