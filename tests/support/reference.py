"""The week's figures computed once more, in fractions and without any database: what the SQL is held against."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import fmean
from typing import Any

Row = tuple[str, str, Decimal, int]
"""Symbol, MPID, shares, trades."""
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Week:
    """The rows of one week of one tier."""

    rows: list[Row]

    def by(self, column: int) -> dict[str, list[Row]]:
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            groups[row[column]].append(row)
        return groups

    @property
    def volume(self) -> dict[str, Decimal]:
        """Shares by symbol."""
        return {symbol: _shares(rows) for symbol, rows in self.by(0).items()}

    @property
    def trades(self) -> dict[str, int]:
        return {symbol: sum(row[3] for row in rows) for symbol, rows in self.by(0).items()}

    def symbol_summary(self) -> dict[str, Figures]:
        return {
            symbol: {
                "total_volume": _shares(rows),
                "total_trades": self.trades[symbol],
                "venue_count": len(rows),
                "avg_trade_size": float(Fraction(_shares(rows)) / self.trades[symbol]),
            }
            for symbol, rows in self.by(0).items()
        }

    def venue_share(self) -> dict[str, Figures]:
        volumes = {mpid: _shares(rows) for mpid, rows in self.by(1).items()}
        total, order = sum(volumes.values()), _largest_first(volumes)
        return {
            mpid: {
                "total_volume": volumes[mpid],
                "total_trades": sum(row[3] for row in rows),
                "symbol_count": len(rows),
                "market_share_pct": float(Fraction(volumes[mpid]) / Fraction(total)),
                "rank": order.index(mpid) + 1,
            }
            for mpid, rows in self.by(1).items()
        }

    def concentration(self) -> dict[str, Figures]:
        return {symbol: _concentration({row[1]: row[2] for row in rows}) for symbol, rows in self.by(0).items()}


def rolling(weeks: Mapping[dt.date, Week], as_of: dt.date, window: int) -> dict[str, Figures]:
    """Figures of every symbol of the week ``as_of`` over the loaded ones of its window."""
    start = as_of - dt.timedelta(days=7 * (window - 1))
    loaded = {day: week for day, week in sorted(weeks.items()) if start <= day <= as_of}
    found = {}
    for symbol in weeks[as_of].volume:
        traded = [day for day, week in loaded.items() if symbol in week.volume]
        volumes = [loaded[day].volume[symbol] for day in traded]
        change = Fraction(volumes[-1] - volumes[0]) / Fraction(volumes[0]) * 100 if len(traded) > 1 else None
        found[symbol] = {
            "avg_volume": fmean(map(float, volumes)),
            "avg_trades": fmean(loaded[day].trades[symbol] for day in traded),
            "min_volume": min(volumes),
            "max_volume": max(volumes),
            "first_week": traded[0],
            "trend_pct": None if change is None else float(change),
            "trend_direction": None if change is None else "UP" if change > 5 else "DOWN" if change < -5 else "FLAT",
            "weeks_in_window": len(traded),
            "weeks_loaded": len(loaded),
            "is_complete": int(len(traded) == window),
        }
    return found


def differences(
    found: Iterable[Mapping[str, Any]], key: str, expected: Mapping[str, Figures], exact: bool
) -> list[str]:
    """What the database says otherwise, row by row and column by column.

    :param exact: quantities must be equal; otherwise within a millionth of a share, or 1e-12 of their size.
    """
    rows = {row[key]: row for row in found}
    wrong = [f"{name} is missing" for name in expected.keys() - rows.keys()]
    wrong += [f"{name} is too much" for name in rows.keys() - expected.keys()]
    return wrong + [
        f"{name} {column}: {rows[name][column]!r} instead of {value!r}"
        for name, figures in expected.items()
        if name in rows
        for column, value in figures.items()
        if not _equal(rows[name][column], value, exact)
    ]


def _equal(found: Any, expected: Any, exact: bool) -> bool:
    if isinstance(expected, dt.date):
        return str(found) == str(expected)
    if isinstance(expected, float) and found is not None:
        return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-15)
    if isinstance(expected, Decimal) and not exact:
        return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-6)
    return bool(found == expected)


def _shares(rows: Iterable[Row]) -> Decimal:
    return sum((row[2] for row in rows), Decimal(0))


def _largest_first(volumes: Mapping[str, Decimal]) -> list[str]:
    return sorted(volumes, key=lambda name: (-volumes[name], name))


def _concentration(volumes: Mapping[str, Decimal]) -> Figures:
    total, order = Fraction(sum(volumes.values())), _largest_first(volumes)
    shares = {mpid: Fraction(volume) / total for mpid, volume in volumes.items()}
    return {
        "hhi": float(sum(share * share for share in shares.values())),
        "venue_count": len(volumes),
        "total_symbol_volume": sum(volumes.values()),
        "top_venue": order[0],
        "top_venue_share": float(shares[order[0]]),
        "top_3_venue_share": float(sum(shares[mpid] for mpid in order[:3])),
    }
