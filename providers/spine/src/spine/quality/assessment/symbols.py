"""How good each symbol's weeks are: there when they should be, equal to their lines, few refused, within their own range."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from statistics import median
from typing import Any

from spine.core.tiers import Tier
from spine.finra.dataset import Dataset
from spine.quality.assessment.published import Published, rows_of
from spine.quality.assessment.scoring import SYMBOL_WEIGHTS, Score, score, validity
from spine.quality.robust import DEVIATIONS, MAD_TO_SIGMA, MIN_WEEKS
from spine.storage.base import Session, Storage

_OFTEN = 0.75  # a symbol that trades in so many of the weeks is expected in each
_LEAST_FACTOR = 10.0  # a symbol's volume may always be ten times its median, or a tenth of it: single names swing
_AT_ONCE = 13  # captures whose symbols are held in memory


# One row for each symbol of each capture: what was published, what its lines add up to, what was refused of it.
_WEEKS = """
SELECT l.capture_no, l.symbol, l.accepted, l.refused, l.volume, l.trades,
       s.total_volume AS published_volume, s.total_trades AS published_trades
FROM (SELECT capture_no, symbol, SUM(CASE WHEN reason_code IS NULL THEN 1 ELSE 0 END) AS accepted, COUNT(reason_code) AS refused,
             SUM(CASE WHEN reason_code IS NULL THEN total_shares ELSE 0 END) AS volume,
             SUM(CASE WHEN reason_code IS NULL THEN total_trades ELSE 0 END) AS trades
      FROM {lines} WHERE capture_no IN ({numbers}){only} GROUP BY capture_no, symbol) l
JOIN core_captures c ON c.capture_no = l.capture_no
LEFT JOIN {prefix}_symbol_summary s ON s.capture_id = c.capture_id AND s.symbol = l.symbol"""


@dataclass(frozen=True, slots=True)
class SymbolScore:
    """One symbol of one tier over the weeks that were looked at.

    :param weeks_there: weeks with published rows, of ``weeks`` since it first appeared.
    :param notes: what is not as it should be, in words.
    """

    tier: Tier
    symbol: str
    score: Score
    weeks_there: int
    weeks: int
    refused: int
    last_week: str
    last_volume: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "tier": str(self.tier),
            "symbol": self.symbol,
            "score": self.score.value,
            "grade": str(self.score.grade),
            "dimensions": dict(self.score.dimensions),
            "weeks_there": self.weeks_there,
            "weeks": self.weeks,
            "refused": self.refused,
            "last_week": self.last_week,
            "last_volume": self.last_volume,
            "notes": list(self.notes),
        }


@dataclass(slots=True)
class SymbolWeeks:
    """What the weeks of a symbol say, gathered as they are read: a week's place among the tier's to its volume."""

    volumes: dict[int, float] = field(default_factory=dict)
    accepted: int = 0
    refused: int = 0
    refused_weeks: int = 0
    wrong_weeks: int = 0


def read_symbols(
    reader: Session | Storage, dataset: Dataset, published: Sequence[Published], symbol: str | None = None
) -> dict[str, SymbolWeeks]:
    """Every symbol of one tier's captures, the oldest first, or one of them."""
    place = {each.capture_no: number for number, each in enumerate(published)}
    sql = _WEEKS.replace("{only}", "" if symbol is None else " AND symbol = :symbol")
    params = {} if symbol is None else {"symbol": symbol}
    found: dict[str, SymbolWeeks] = {}
    for row in chain.from_iterable(rows_of(reader, sql, dataset, some, **params) for some in _few(published)):
        weeks = found.setdefault(str(row["symbol"]), SymbolWeeks())
        weeks.accepted += int(row["accepted"])
        weeks.refused += int(row["refused"])
        weeks.refused_weeks += bool(row["refused"])
        if row["accepted"]:
            weeks.volumes[place[int(row["capture_no"])]] = float(row["volume"])
            weeks.wrong_weeks += not _equal(row)
    return found


def _few(published: Sequence[Published]) -> Iterator[Sequence[Published]]:
    return (published[start : start + _AT_ONCE] for start in range(0, len(published), _AT_ONCE))


def _equal(row: Mapping[str, Any]) -> bool:
    """Whether what was published of a symbol is the sum of its lines; SQLite's fractions may be off in the ninth digit."""
    if row["published_volume"] is None or int(row["published_trades"]) != int(row["trades"]):
        return False
    return abs(float(row["published_volume"]) - float(row["volume"])) <= 1e-9 * abs(float(row["volume"]))


def symbol_scores(
    tier: Tier, published: Sequence[Published], found: Mapping[str, SymbolWeeks]
) -> Iterator[SymbolScore]:
    """:param published: the captures that ``found`` was read from, the oldest first."""
    names = [each.week_ending.isoformat() for each in published]
    for symbol, weeks in sorted(found.items()):
        if symbol:  # a line without one is a reject, and no symbol's
            yield _scored(tier, symbol, weeks, names)


def _scored(tier: Tier, symbol: str, weeks: SymbolWeeks, names: Sequence[str]) -> SymbolScore:
    there = sorted(weeks.volumes)
    since = len(names) - there[0] if there else len(names)
    expected = since >= MIN_WEEKS and len(there) >= _OFTEN * since
    unusual = _unusual([weeks.volumes[place] for place in there])
    absent_now = expected and there[-1] != len(names) - 1
    notes = list(_notes(weeks, since - len(there) if expected else 0, absent_now, len(unusual)))
    warnings = weeks.refused_weeks + absent_now + bool(there and len(there) - 1 in unusual)
    dimensions = {
        "consistency": 1 - weeks.wrong_weeks / len(there) if there else None,
        "completeness": len(there) / since if expected else None if there else 0.0,
        "validity": validity(weeks.accepted, weeks.refused),
        "stability": 1 - len(unusual) / len(there) if len(there) >= MIN_WEEKS else None,
    }
    found = score(dimensions, SYMBOL_WEIGHTS, warnings=warnings, errors=weeks.wrong_weeks + (not there))
    return SymbolScore(
        tier, symbol, found, len(there), since, weeks.refused, names[there[-1]] if there else "",
        weeks.volumes[there[-1]] if there else 0.0, tuple(notes),
    )  # fmt: skip


def _unusual(volumes: Sequence[float]) -> set[int]:
    """Places of weeks far from the symbol's own median, on a logarithmic scale: volumes of one name differ by factors."""
    if len(volumes) < MIN_WEEKS:
        return set()
    logs = [math.log(max(volume, 1e-9)) for volume in volumes]
    middle = median(logs)
    mad = median(abs(each - middle) for each in logs)
    most = max(DEVIATIONS * MAD_TO_SIGMA * mad, math.log(_LEAST_FACTOR))
    return {place for place, each in enumerate(logs) if abs(each - middle) > most}


def _notes(weeks: SymbolWeeks, missed: int, absent_now: bool, unusual: int) -> Iterable[str]:
    if weeks.wrong_weeks:
        yield f"totals of {_weeks(weeks.wrong_weeks)} are not the sums of their lines"
    if not weeks.volumes:
        yield "every line of it was refused"
    elif absent_now:
        yield "not in the newest week, and usually in every one"
    elif missed:
        yield f"missing in {_weeks(missed)}"
    if weeks.refused:
        yield f"{weeks.refused:,} line{'' if weeks.refused == 1 else 's'} refused"
    if unusual:
        yield f"volume far from usual in {_weeks(unusual)}"


def _weeks(count: int) -> str:
    return "one week" if count == 1 else f"{count} weeks"
