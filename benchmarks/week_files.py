"""Synthetic weeks of any number of rows, as FINRA's weekly download."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spine.finra.synthetic import SyntheticMarket

WEEK_ENDING = dt.date(2026, 4, 10)
_EARLIER = WEEK_ENDING - dt.timedelta(weeks=1)
_FEW = 20
_ROWS_PER_PAIR = 0.56  # of the first tier: how many of the pairs of a symbol and a venue trade in a week
_VENUES = 40
_MANY_VENUES = 200  # for more rows than the market has symbols for


def market_of(rows: int) -> SyntheticMarket:
    """A market whose first tier has about that many rows a week."""
    from spine.core.tiers import Tier
    from spine.finra.synthetic import SyntheticMarket

    venues = _VENUES if rows <= 1_100_000 else _MANY_VENUES
    return SyntheticMarket(symbols={Tier.T1: max(1, round(rows / venues / _ROWS_PER_PAIR))}, venues=venues)


def week_file(folder: Path, rows: int) -> Path:
    """A file of WEEK_ENDING's first tier with about that many rows."""
    return _written(folder, rows, WEEK_ENDING)


def small_file(folder: Path) -> Path:
    """A file with a few rows of the week before."""
    return _written(folder, _FEW, _EARLIER)


def week_params(file: Path) -> dict[str, Any]:
    """What a run on one of these files is told."""
    return {"tier": "T1", "file_path": file.name}


def _written(folder: Path, rows: int, week_ending: dt.date) -> Path:
    from spine.core.tiers import Tier
    from spine.finra.download_file import write_week_file

    path = folder / f"finra_otc_weekly_tier1_{rows}.csv"
    if not path.exists():
        write_week_file(market_of(rows).week(Tier.T1, week_ending), path)
    return path
