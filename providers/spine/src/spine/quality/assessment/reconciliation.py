"""Checks of what is published against itself: duplicates, orphans, totals, shares, and numbers computed once more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from spine.alerts.model import AlertSeverity
from spine.finra.dataset import Dataset
from spine.quality.assessment.issues import Check, Issue, shown
from spine.quality.assessment.published import Published, Totals, rows_of
from spine.quality.gaps import refresh_args
from spine.storage.base import Session, Storage

_SHARE_TOLERANCE = 1e-4  # the platform's: market shares of a tier sum to 1 within it
# Sums of SQLite's doubles: what is exact elsewhere may be off by so small a part there.
_RELATIVE = 1e-9

_DUPLICATES = """
SELECT d.capture_no, COUNT(*) AS row_keys, SUM(d.row_count) AS row_count, MIN(d.symbol) AS symbol
FROM (SELECT capture_no, symbol, mpid, crd_number, product_type, issue_name, COUNT(*) AS row_count
      FROM {lines} WHERE capture_no IN ({numbers}) AND reason_code IS NULL
      GROUP BY capture_no, symbol, mpid, crd_number, product_type, issue_name HAVING COUNT(*) > 1) d
GROUP BY d.capture_no"""
_RECOMPUTED = """
SELECT a.capture_no, COUNT(*) AS symbols, COUNT(s.symbol) AS known,
       SUM(CASE WHEN s.total_trades <> a.trades OR ABS(s.total_volume - a.volume) > {relative} * ABS(a.volume)
           THEN 1 ELSE 0 END) AS wrong,
       MIN(CASE WHEN s.total_trades <> a.trades OR ABS(s.total_volume - a.volume) > {relative} * ABS(a.volume)
           THEN a.symbol END) AS wrong_symbol,
       MIN(CASE WHEN s.symbol IS NULL THEN a.symbol END) AS unknown_symbol
FROM (SELECT capture_no, symbol, SUM(total_shares) AS volume, SUM(total_trades) AS trades
      FROM {lines} WHERE capture_no IN ({numbers}) AND reason_code IS NULL GROUP BY capture_no, symbol) a
JOIN core_captures c ON c.capture_no = a.capture_no
LEFT JOIN {prefix}_symbol_summary s ON s.capture_id = c.capture_id AND s.symbol = a.symbol
GROUP BY a.capture_no"""
_WINDOWS = """
SELECT capture_id, window_weeks, COUNT(*) AS row_count
FROM {prefix}_symbol_rolling WHERE capture_id IN ({ids}) GROUP BY capture_id, window_weeks"""
_ROLLING = """
SELECT COUNT(*) AS row_count, MIN(r.symbol) AS symbol
FROM (SELECT symbol, avg_volume, avg_trades, weeks_in_window FROM {prefix}_symbol_rolling
      WHERE capture_id = :capture_id AND window_weeks = :window_weeks) r
LEFT JOIN (SELECT symbol, CAST(SUM(total_volume) AS DOUBLE PRECISION) / COUNT(*) AS avg_volume,
                  CAST(SUM(total_trades) AS DOUBLE PRECISION) / COUNT(*) AS avg_trades, COUNT(*) AS weeks
           FROM {prefix}_symbol_summary WHERE capture_id IN ({ids}) GROUP BY symbol) w ON w.symbol = r.symbol
WHERE w.symbol IS NULL OR w.weeks <> r.weeks_in_window OR ABS(w.avg_volume - r.avg_volume) > {relative} * w.avg_volume
   OR ABS(w.avg_trades - r.avg_trades) > {relative} * w.avg_trades"""
# Tables whose rows name a capture, by the column that does.
_BY_ID = ("core_manifest", "core_rejects", "core_quality", "core_decisions")
_DERIVED = ("symbol_summary", "venue_share", "concentration", "liquidity_score", "symbol_rolling")


def duplicates(reader: Session | Storage, dataset: Dataset, published: Sequence[Published]) -> Iterator[Issue]:
    """Row keys (docs/glossary.md) that occur more than once among published rows."""
    known = {each.capture_no: each for each in published}
    for row in rows_of(reader, _DUPLICATES, dataset, published):
        message = f"{row['row_keys']:,} row keys occur {int(row['row_count']):,} times, such as one of {row['symbol']}"
        yield _wrong(known[int(row["capture_no"])], Check.DUPLICATES, "row_key", message, int(row["row_keys"]))


def recomputed(
    reader: Session | Storage, dataset: Dataset, published: Sequence[Published], totals: Totals
) -> Iterator[Issue]:
    """Symbols' totals added up again from the lines; symbols that have lines and no summary, or a summary and no lines."""
    sql = _RECOMPUTED.replace("{relative}", str(_RELATIVE))
    found = {int(row["capture_no"]): row for row in rows_of(reader, sql, dataset, published)}
    for each in published:
        row = found.get(each.capture_no, {"symbols": 0, "known": 0, "wrong": 0})
        summaries = int(totals.symbols.get(each.capture_id, {"row_count": 0})["row_count"])
        if wrong := int(row["wrong"]):
            message = f"{wrong:,} symbols' totals are not the sums of their lines, such as {row['wrong_symbol']}"
            yield _wrong(each, Check.RECOMPUTED, "symbol_totals", message, wrong)
        if without := int(row["symbols"]) - int(row["known"]):
            message = f"{without:,} symbols have published lines and no summary, such as {row['unknown_symbol']}"
            yield _wrong(each, Check.ORPHANS, "symbols_without_summary", message, without)
        if without := summaries - int(row["known"]):
            message = f"{without:,} summaries of symbols that have no published line"
            yield _wrong(each, Check.ORPHANS, "summaries_without_lines", message, without)


def cross_totals(
    dataset: Dataset, summary_type: str, published: Sequence[Published], totals: Totals
) -> Iterator[Issue]:
    """Volume, trades and symbols of a week, as each derived table adds them up."""
    per_venue = dataset.per_venue(summary_type)
    for each in published:
        summary = totals.symbols.get(each.capture_id)
        if summary is None:
            yield _wrong(each, Check.TOTALS, "symbol_summary", "AGGREGATED, and there is no symbol summary", 1)
            continue
        others = {
            "liquidity score": (totals.liquidity, ("row_count", "volume", "trades")),
            "venue share": (totals.venues, ("volume", "trades")),
            "concentration": (totals.concentration, ("row_count", "volume")),
        }
        for table, (sums, figures) in others.items() if per_venue else ():
            other = sums.get(each.capture_id, {})
            for figure in figures:
                if not _equal(summary[figure], other.get(figure, 0)):
                    name = _FIGURES[figure]
                    message = (
                        f"{name}: {shown(summary[figure])} by symbol summary, {shown(other.get(figure, 0))} by {table}"
                    )
                    yield _wrong(each, Check.TOTALS, f"{table}:{figure}", message, 1)


_FIGURES = {"row_count": "symbols", "volume": "shares", "trades": "trades"}


def shares(dataset: Dataset, summary_type: str, published: Sequence[Published], totals: Totals) -> Iterator[Issue]:
    """Market shares, ranks and concentration, by what they are."""
    for each in published if dataset.per_venue(summary_type) else ():
        if venues := totals.venues.get(each.capture_id):
            if abs(float(venues["share"]) - 1) > _SHARE_TOLERANCE:
                message = f"market shares sum to {float(venues['share']):.6f}"
                yield _wrong(each, Check.SHARES, "sum", message, int(venues["row_count"]))
            expected = (1, int(venues["row_count"]), int(venues["row_count"]))
            if (int(venues["first_rank"]), int(venues["last_rank"]), int(venues["ranks"])) != expected:
                message = f"ranks {venues['first_rank']} to {venues['last_rank']}, {venues['ranks']} different, of {expected[1]}"
                yield _wrong(each, Check.SHARES, "ranks", message, 1)
        concentration = totals.concentration.get(each.capture_id)
        if concentration and (outside := int(concentration["outside"])):
            message = f"{outside:,} symbols with a Herfindahl index or top share outside of 0 to 1"
            yield _wrong(each, Check.SHARES, "concentration", message, outside)


def rolling(
    reader: Session | Storage, dataset: Dataset, published: Sequence[Published], inputs: Sequence[Published]
) -> Iterator[Issue]:
    """Rolling means computed again from today's captures of their weeks: also shows those that a revision left behind.

    :param inputs: published captures of the weeks asked for and of as many before as the longest window has.
    """
    known = {each.capture_id: each for each in published}
    for row in rows_of(reader, _WINDOWS, dataset, published):
        each, weeks = known[str(row["capture_id"])], int(row["window_weeks"])
        first = each.week_ending - dt.timedelta(weeks=weeks - 1)
        window = [one for one in inputs if one.tier is each.tier and first <= one.week_ending <= each.week_ending]
        sql = _ROLLING.replace("{relative}", str(_RELATIVE))
        params = {"capture_id": each.capture_id, "window_weeks": weeks}
        found = rows_of(reader, sql, dataset, window, **params)[0]
        if wrong := int(found["row_count"]):
            message = (
                f"{wrong:,} rolling means over {weeks} weeks are not those of their weeks, such as {found['symbol']}"
            )
            yield _wrong(each, Check.ROLLING, f"window:{weeks}", message, wrong)


def longest_window(reader: Session | Storage, dataset: Dataset, published: Sequence[Published]) -> int:
    """In weeks; 1 where nothing rolls."""
    return max((int(row["window_weeks"]) for row in rows_of(reader, _WINDOWS, dataset, published)), default=1)


def orphans(reader: Session | Storage, dataset: Dataset) -> Iterator[Issue]:
    """Rows anywhere in the database that belong to no capture on record. Reads every table: the cost is the history's."""
    lines = reader.query(
        f"SELECT COUNT(*) FROM {dataset.lines_table} l "
        "WHERE NOT EXISTS (SELECT 1 FROM core_captures c WHERE c.capture_no = l.capture_no)"
    ).scalar
    counts = {dataset.lines_table: int(lines)}
    of_dataset = {"domain": dataset.name}
    for table in _BY_ID:
        sql = f"SELECT COUNT(*) FROM {table} l WHERE l.domain = :domain AND {_NO_CAPTURE}"
        counts[table] = int(reader.query(sql, of_dataset).scalar)
    for name in _DERIVED:
        table = f"{dataset.sql_folder}_{name}"
        counts[table] = int(reader.query(f"SELECT COUNT(*) FROM {table} l WHERE {_NO_CAPTURE}").scalar)
    for table, count in counts.items():
        if count:
            message = f"{count:,} rows of {table} belong to no capture on record"
            yield Issue(Check.ORPHANS, AlertSeverity.CRITICAL, table, message, affected=count)


_NO_CAPTURE = "NOT EXISTS (SELECT 1 FROM core_captures c WHERE c.capture_id = l.capture_id)"


def _wrong(each: Published, check: Check, about: str, message: str, affected: int) -> Issue:
    """A published number that is not what it should be."""
    command = " ".join(refresh_args(each.tier, each.week_ending, force="true"))
    return Issue(
        check, AlertSeverity.CRITICAL, about, message, each.tier, each.week_ending, each.capture_id, affected, command
    )


def _equal(one: Any, other: Any) -> bool:
    return abs(float(one) - float(other)) <= _RELATIVE * abs(float(one))
