"""A history as a deployment has lived it: every week of every tier when FINRA published it, and restated weeks again.

Weeks go through ``finra.weekly_refresh`` as they always do, so that the ledger, the derived tables and what they rest on are
those of a normal history; three processes at once, one for each tier. Restatements are the synthetic market's: one week in
ten, up to sixteen weeks late.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.databases import open_upgraded
from benchmarks.week_runs import refresh

if TYPE_CHECKING:
    from spine.core.tiers import Tier
    from spine.finra.synthetic import SyntheticMarket
    from spine.storage.base import Storage

FIRST_WEEK = dt.date(2016, 1, 8)
WEEKS_A_YEAR = 52
_LOOKS, _SYMBOLS = 20, 10
_WEEK = dt.timedelta(days=7)
TIERS = ("T1", "T2", "OTCE")
_SHARES = {"T1": 0.405, "T2": 0.4, "OTCE": 0.195}  # of a week's rows
_ROWS_PER_SYMBOL = {"T1": 22.4, "T2": 11.2, "OTCE": 1.5}  # of the synthetic market


@dataclass(frozen=True, slots=True)
class Publication:
    """FINRA puts a week of a tier in place, for the first time or corrected."""

    instant: dt.datetime
    week_ending: dt.date
    revision: int


def week_after(weeks: int) -> dt.date:
    """The week that comes when so many are there."""
    return FIRST_WEEK + weeks * _WEEK


def market_of(rows_a_week: int) -> SyntheticMarket:
    """A market with about that many rows a week, all tiers together."""
    from spine.core.tiers import Tier
    from spine.finra.synthetic import SyntheticMarket

    sizes = {tier: round(rows_a_week * _SHARES[tier] / _ROWS_PER_SYMBOL[tier]) for tier in Tier}
    return SyntheticMarket(symbols={tier: max(1, size) for tier, size in sizes.items()})


def lasting_symbols(market: SyntheticMarket, tier: Tier, weeks: int) -> tuple[str, ...]:
    """Some that trade all along, from all over the alphabet."""
    looks = range(0, weeks, max(1, weeks // _LOOKS))
    traded = [set(market.week(tier, week_after(number))["issueSymbolIdentifier"].to_pylist()) for number in looks]
    found = sorted(set.intersection(*traded))
    return tuple(found[:: max(1, len(found) // _SYMBOLS)][:_SYMBOLS])


def build(url: str, rows_a_week: str, tier: str, start: str, stop: str) -> dict[str, Any]:
    """In a process of its own: what FINRA publishes of a tier from when ``start`` weeks are out until ``stop`` are."""
    import tempfile

    from spine.core.tiers import Tier

    market, captures = market_of(int(rows_a_week)), 0
    with open_upgraded(url) as storage, tempfile.TemporaryDirectory(prefix="spine-bench-") as name:
        for publication in publications(market, Tier(tier), int(start), int(stop)):
            take_in(storage, market, Tier(tier), publication, Path(name))
            captures += 1
    return {"captures": captures}


def publications(market: SyntheticMarket, tier: Tier, start: int, stop: int) -> Iterator[Publication]:
    """In the order in which they come; those before the first of ``start`` have been."""
    from spine.core.weeks import published_at

    after, until = (published_at(tier, week_after(count - 1)) for count in (start, stop))
    weeks = [week_after(number) for number in range(stop)]
    first = [Publication(published_at(tier, week), week, 0) for week in weeks]
    again = [Publication(_restated_at(market, tier, week), week, 1) for week in weeks if market.restated(tier, week)]
    return (each for each in sorted([*first, *again], key=lambda each: each.instant) if after < each.instant <= until)


def take_in(storage: Storage, market: SyntheticMarket, tier: Tier, what: Publication, folder: Path) -> dict[str, float]:
    """Run the weekly workflow on a publication; the seconds of its steps. The file is written before."""
    from spine.finra.download_file import write_week_file

    file = folder / f"week_{tier}.csv"
    write_week_file(market.week(tier, what.week_ending, revision=what.revision), file)
    params = {"tier": str(tier), "week_ending": what.week_ending.isoformat(), "file_path": file.name}
    return refresh(storage, params, folder, lambda: what.instant)


def _restated_at(market: SyntheticMarket, tier: Tier, week_ending: dt.date) -> dt.datetime:
    return dt.datetime.combine(market.restated_on(tier, week_ending), dt.time(18), dt.UTC)
