"""The captures that readers see, and what their tables say of each: a few aggregates for many weeks at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spine.core.tiers import Tier
from spine.core.weeks import parse_date
from spine.finra.dataset import Dataset
from spine.quality.coverage import tier_params
from spine.storage.base import Session, Storage
from spine.storage.ledger import as_instant

_PUBLISHED = """
SELECT t.capture_no, t.capture_id, t.tier, t.week_ending, t.captured_at, c.source_type, c.source_name, c.source_sha256,
       c.line_count, c.parsed_count, c.rejected_count
FROM core_latest t JOIN core_captures c ON c.capture_id = t.capture_id
WHERE t.domain = :domain AND t.tier IN ({tiers}) AND t.summary_type = :summary_type AND t.stage = 'AGGREGATED'
  AND t.week_ending BETWEEN :first AND :last
ORDER BY t.week_ending, t.tier"""
# How often each capture of a set occurs in a table, and the sums that must agree; {ids} are its capture ids.
_SYMBOLS = """
SELECT capture_id, COUNT(*) AS row_count, ROUND(SUM(total_volume), 6) AS volume, SUM(total_trades) AS trades
FROM {prefix}_symbol_summary WHERE capture_id IN ({ids}) GROUP BY capture_id"""
_LIQUIDITY = _SYMBOLS.replace("symbol_summary", "liquidity_score")
_VENUES = """
SELECT capture_id, COUNT(*) AS row_count, ROUND(SUM(total_volume), 6) AS volume, SUM(total_trades) AS trades,
       SUM(market_share_pct) AS share, MIN(rank) AS first_rank, MAX(rank) AS last_rank, COUNT(DISTINCT rank) AS ranks
FROM {prefix}_venue_share WHERE capture_id IN ({ids}) GROUP BY capture_id"""
_CONCENTRATION = """
SELECT capture_id, COUNT(*) AS row_count, ROUND(SUM(total_symbol_volume), 6) AS volume,
       SUM(CASE WHEN hhi > 0 AND hhi <= 1.000000001 AND top_venue_share > 0 AND top_venue_share <= 1.000000001
                 AND top_3_venue_share >= top_venue_share - 0.000000001 AND top_3_venue_share <= 1.000000001
           THEN 0 ELSE 1 END) AS outside
FROM {prefix}_concentration WHERE capture_id IN ({ids}) GROUP BY capture_id"""


@dataclass(frozen=True, slots=True)
class Published:
    """What readers see of one week of one tier."""

    capture_no: int
    capture_id: str
    tier: Tier
    week_ending: dt.date
    captured_at: dt.datetime
    source_type: str
    source_name: str
    source_sha256: str
    line_count: int
    parsed_count: int
    rejected_count: int


Sums = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Totals:
    """Row counts and sums of the derived tables, by capture id; a capture without rows in one is not in it."""

    symbols: Sums
    liquidity: Sums
    venues: Sums
    concentration: Sums


def read_published(
    reader: Session | Storage, dataset: Dataset, summary_type: str, tiers: Sequence[Tier], first: dt.date, last: dt.date
) -> list[Published]:
    """The oldest week first."""
    marks, values = tier_params(tiers)
    params = {"domain": dataset.name, "summary_type": summary_type, "first": first, "last": last, **values}
    return [_published(row) for row in reader.query(_PUBLISHED.format(tiers=marks), params)]


def _published(row: Mapping[str, Any]) -> Published:
    captured_at = as_instant(row["captured_at"])
    assert captured_at is not None
    return Published(
        int(row["capture_no"]), str(row["capture_id"]), Tier(row["tier"]), parse_date(row["week_ending"]), captured_at,
        str(row["source_type"]), str(row["source_name"]), str(row["source_sha256"]), int(row["line_count"]),
        int(row["parsed_count"]), int(row["rejected_count"]),
    )  # fmt: skip


def read_totals(reader: Session | Storage, dataset: Dataset, published: Sequence[Published]) -> Totals:
    return Totals(
        *(
            {str(row["capture_id"]): row for row in rows_of(reader, sql, dataset, published)}
            for sql in (_SYMBOLS, _LIQUIDITY, _VENUES, _CONCENTRATION)
        )
    )


def rows_of(
    reader: Session | Storage, sql: str, dataset: Dataset, published: Sequence[Published], **params: Any
) -> list[dict[str, Any]]:
    """Rows of a statement over these captures: ``{prefix}``, ``{lines}``, ``{ids}`` and ``{numbers}`` are filled in."""
    if not published:
        return []
    ids = {f"id_{number}": each.capture_id for number, each in enumerate(published)}
    text = sql.format(
        prefix=dataset.sql_folder,
        lines=dataset.lines_table,
        ids=", ".join(f":{name}" for name in ids),
        numbers=", ".join(str(each.capture_no) for each in published),
    )
    used = ids if ":id_0" in text else {}
    return list(reader.query(text, {**used, **params}))
