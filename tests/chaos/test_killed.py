"""Runs that are killed at every point there is, and what the next run makes of it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from spine.core.tiers import Tier
from spine.core.weeks import published_on
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from tests.support.elsewhere import run_elsewhere
from tests.support.invariants import broken_invariants
from tests.support.storage import open_upgraded
from tests.support.weekly import LATEST, Weekly, assert_same, file_of, line

pytestmark = pytest.mark.chaos

FIRST = dt.date(2024, 1, 5)
RANDOM_KILLS = 12
SYMBOLS = [f"S{number}" for number in range(30)]
MARKET = SyntheticMarket(symbols={Tier.T2: 500}, venues=30)
# What stands in for Db2 reads the view of tier shares in a time that grows with the square of its rows.
SMALL_MARKET = SyntheticMarket(symbols={Tier.T2: 50}, venues=30)


@pytest.fixture
def weekly(database_url: str, tmp_path: Path) -> Iterator[Weekly]:
    with open_upgraded(database_url) as storage:
        yield Weekly(storage, tmp_path)


def friday(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=7 * number)


def small_week(weekly: Weekly, number: int) -> dict[str, Any]:
    """Some lines, one of them refused by each stage; the params to run it with."""
    updated = published_on(Tier.OTCE, friday(number)).isoformat()
    good = [line(symbol, shares=100 + number, updated=updated) for symbol in SYMBOLS]
    bad = [line("BAD", shares="many", updated=updated), line("NOTHING", shares=0, trades=0, updated=updated)]
    return params_of(weekly, "OTCE", number, file_of(*good, *bad))


def full_week(weekly: Weekly, number: int) -> dict[str, Any]:
    """Some thousand rows, or on Db2 some hundred."""
    market = SMALL_MARKET if weekly.storage.dialect.name == "db2" else MARKET
    write_week_file(market.week(Tier.T2, friday(number)), weekly.root / "tmp.csv")
    return params_of(weekly, "T2", number, (weekly.root / "tmp.csv").read_text())


def params_of(weekly: Weekly, tier: str, number: int, content: str) -> dict[str, Any]:
    path = weekly.write(content, f"week_{number}.csv")
    return {"tier": tier, "week_ending": friday(number).isoformat(), "file_path": path, "window_weeks": 2}


def assert_as_if_nothing_had_happened(
    weekly: Weekly, weeks: int, make: Callable[[Weekly, int], dict[str, Any]]
) -> None:
    """The database equals one of weeks that nobody disturbed."""
    with open_upgraded(f"sqlite:///{weekly.root / 'undisturbed.db'}") as storage:
        undisturbed = Weekly(storage, weekly.root)
        for number in range(weeks):
            undisturbed.run(**make(weekly, number))
        assert_same(weekly.pictures(), undisturbed.pictures())
        assert weekly.counts() == undisturbed.counts()
    assert not broken_invariants(weekly)
    assert all(len(rows) >= weeks for rows in weekly.pictures().values()), LATEST


def complete(weekly: Weekly, params: dict[str, Any], where: str) -> None:
    """Nothing is half-written, and the run comes to its end when it is run again."""
    week = {"week_ending": dt.date.fromisoformat(params["week_ending"])}
    assert not broken_invariants(weekly, **week), where
    weekly.run(**params)
    assert not broken_invariants(weekly, **week), where


def test_killed_before_every_access_to_the_database(weekly: Weekly, database_url: str) -> None:
    weekly.run(**small_week(weekly, 0))
    # What stands in for Db2 joins slower with every week: a sample has to do.
    every = 5 if weekly.storage.dialect.name == "db2" else 1
    for week, accesses in enumerate(count(step=every), start=1):
        params = small_week(weekly, week)
        with run_elsewhere(database_url, weekly.root, params, die_before=accesses) as run:
            run.go()
            died = run.died()
        complete(weekly, params, f"killed before access {accesses}")
        if not died:
            break
    assert accesses > 30
    assert_as_if_nothing_had_happened(weekly, week + 1, small_week)


def test_killed_at_any_moment(weekly: Weekly, database_url: str) -> None:
    started = time.monotonic()
    weekly.run(**full_week(weekly, 0))
    duration = time.monotonic() - started
    for number in range(1, RANDOM_KILLS + 1):
        params = full_week(weekly, number)
        with run_elsewhere(database_url, weekly.root, params) as run:
            run.go()
            time.sleep(duration * (number - 0.5) / RANDOM_KILLS)
            run.kill()
        complete(weekly, params, f"killed after {number - 0.5} of {RANDOM_KILLS} parts of {duration:.2f} s")
    assert_as_if_nothing_had_happened(weekly, RANDOM_KILLS + 1, full_week)


def test_two_processes_at_the_same_week(weekly: Weekly, database_url: str) -> None:
    weekly.run(**small_week(weekly, 0))
    for number in range(1, 6):
        params = small_week(weekly, number)
        with (
            run_elsewhere(database_url, weekly.root, params) as one,
            run_elsewhere(database_url, weekly.root, params) as other,
        ):
            one.go()
            other.go()
            results = one.result(), other.result()
        for step in ("ingest", "normalize", "aggregate", "rolling"):
            assert sorted(result[step] for result in results) == ["done", "unchanged"], step
        complete(weekly, params, f"two at week {number}")
    assert weekly.counts()["core_captures"] == 6
    assert_as_if_nothing_had_happened(weekly, 6, small_week)
