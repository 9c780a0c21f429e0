"""Weeks for runs that are disturbed on purpose, and what they must look like in the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from spine.core.tiers import Tier
from spine.core.weeks import published_on
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from tests.support.invariants import broken_invariants
from tests.support.storage import open_upgraded
from tests.support.weekly import LATEST, Weekly, assert_same, file_of, line

FIRST = dt.date(2022, 1, 7)
SYMBOLS = [f"S{number}" for number in range(30)]
MARKET = SyntheticMarket(symbols={Tier.T2: 500}, venues=30)
# For what stands in for Db2, which joins where others have windows.
SMALL_MARKET = SyntheticMarket(symbols={Tier.T2: 50}, venues=30)
Make = Callable[[Weekly, int], dict[str, Any]]


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


def complete(weekly: Weekly, params: dict[str, Any], where: str) -> None:
    """Nothing is half-written, and the run comes to its end when it is run again."""
    week = {"week_ending": dt.date.fromisoformat(params["week_ending"])}
    assert not broken_invariants(weekly, **week), where
    weekly.run(**params)
    assert not broken_invariants(weekly, **week), where


def assert_as_if_nothing_had_happened(weekly: Weekly, weeks: int, make: Make) -> None:
    """The database equals one of weeks that nobody disturbed."""
    if weekly.storage.dialect.name == "postgres":
        weekly.storage.execute("ANALYZE")  # as the server does by itself, within a minute
    # What stands in for Db2 reads tier shares in a time that grows with the square of their rows. They are a view of the rest.
    views = [view for view in LATEST if weekly.storage.dialect.name != "db2" or "tier_share" not in view]
    with open_upgraded(f"sqlite:///{weekly.root / 'undisturbed.db'}") as storage:
        undisturbed = Weekly(storage, weekly.root)
        for number in range(weeks):
            undisturbed.run(**make(weekly, number))
        found = weekly.pictures(views)
        assert_same(found, undisturbed.pictures(views))
        assert weekly.counts() == undisturbed.counts()
    assert not broken_invariants(weekly)
    assert all(len(rows) >= weeks for rows in found.values()), views
