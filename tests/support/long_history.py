"""A long history in PostgreSQL, made by the server itself in seconds: for what depends on how much is there, not on what."""

from __future__ import annotations

import datetime as dt

from spine.finra.dataset import OTC_TRANSPARENCY
from spine.storage.base import Storage
from tests.support.weekly import AGGREGATES, LINES, PREFIX, ROLLING

NEWEST = dt.date(2026, 4, 10)
SYMBOLS, VENUES = 250, 4
# Rows of the ledger are as long as those that real runs leave: how long they are decides how they are read.
_CAPTURES = f"""
INSERT INTO core_captures (
    capture_id, domain, tier, week_ending, summary_type, revision, captured_at, source_type, source_name, source_bytes,
    source_sha256, content_hash, line_count, parsed_count, rejected_count, is_forced, execution_id)
SELECT '{OTC_TRANSPARENCY.name}:' || t || ':' || w || ':' || r, '{OTC_TRANSPARENCY.name}', t, w,
       '{OTC_TRANSPARENCY.summary_types[0]}', r, w + INTERVAL '30 days' + r * INTERVAL '10 days', 'file', 'invented_' || w, 1,
       repeat('0', 64), repeat(r::text, 64),
       {SYMBOLS * VENUES}, {SYMBOLS * VENUES}, 0, 0, 'scheduled__' || w
FROM (SELECT DATE '{NEWEST}' - 7 * n AS w, n FROM generate_series(0, CAST(:weeks AS INTEGER) - 1) n) weeks,
     unnest(ARRAY['T1', 'T2', 'OTCE']) t, generate_series(0, 1) r
WHERE r = 0 OR n % 10 = 5
ORDER BY w, t, r"""
_STAGES = """
INSERT INTO core_manifest (
    domain, partition_key, capture_id, stage, stage_rank, row_count, metrics_json, execution_id, updated_at)
SELECT domain, 'invented', capture_id, stage, stage_rank, line_count, '{"inputs": {}, "filler": "' || repeat('x', 400) || '"}',
       execution_id, captured_at + stage_rank * INTERVAL '1 minute'
FROM core_captures, unnest(ARRAY['INGESTED', 'NORMALIZED', 'AGGREGATED', 'ROLLING']) WITH ORDINALITY s (stage, stage_rank)"""
_LINES = f"""
INSERT INTO {LINES} (capture_no, line_number, symbol, mpid, issue_name, venue_name, total_shares, total_trades)
SELECT capture_no, s * {VENUES} + v, tier || s, 'MP' || v, 'Issue ' || s, 'Venue ' || v, 100 + s, 1 + v
FROM core_captures, generate_series(1, {SYMBOLS}) s, generate_series(1, {VENUES}) v
ORDER BY capture_no, 3, 4"""
_SAME = "week_ending, tier, summary_type, capture_id, captured_at, execution_id, calculated_at"
_OF_CAPTURE = "week_ending, tier, summary_type, capture_id, captured_at, execution_id, captured_at"
_SYMBOL_ROWS = {
    "symbol_summary": ("total_volume, total_trades, venue_count, avg_trade_size", "100 + s, 10, 4, 10"),
    "concentration": (
        "hhi, venue_count, total_symbol_volume, top_venue, top_venue_share, top_3_venue_share",
        "0.25, 4, 100 + s, 'MP1', 0.25, 0.75",
    ),
    "liquidity_score": (
        "liquidity_score, total_volume, total_trades, venue_count, avg_trade_size, volume_per_day, trades_per_day, trading_days",
        "1, 100 + s, 10, 4, 10, 20, 2, 5",
    ),
    "symbol_rolling": (
        "window_weeks, avg_volume, avg_trades, min_volume, max_volume, first_week, weeks_in_window, weeks_loaded, is_complete, "
        "input_min_capture_id, input_max_capture_id, input_min_captured_at, input_max_captured_at",
        "6, 1, 1, 1, 1, week_ending, 6, 6, 1, '', '', captured_at, captured_at",
    ),
}


_VENUE_ROWS = f"""
INSERT INTO {PREFIX}_venue_share (
    mpid, venue_name, total_volume, total_trades, symbol_count, market_share_pct, rank, {_SAME})
SELECT 'MP' || v, 'Venue ' || v, 100 + v, 10, {SYMBOLS}, 0.05, v, {_OF_CAPTURE}
FROM core_captures, generate_series(1, {VENUES * 5}) v
ORDER BY capture_no, 1"""


def add_long_history(storage: Storage, weeks: int) -> None:
    """So many weeks of every tier up to ``NEWEST``, one in ten of them corrected, with the statistics that pipelines leave."""
    storage.execute(_CAPTURES, {"weeks": weeks})
    oldest = NEWEST - dt.timedelta(weeks=weeks - 1)
    rooms = [storage.room_for(LINES, NEWEST.replace(year=year)) for year in range(oldest.year, NEWEST.year + 1)]
    for statement in (_STAGES, _LINES, _VENUE_ROWS, *map(_symbol_rows, _SYMBOL_ROWS)):
        storage.execute(statement)
    for table in (*rooms, *AGGREGATES, ROLLING):
        storage.refresh_statistics(table, 10_000)


def _symbol_rows(name: str) -> str:
    columns, values = _SYMBOL_ROWS[name]
    return (
        f"INSERT INTO {PREFIX}_{name} (symbol, {columns}, {_SAME}) SELECT tier || s, {values}, {_OF_CAPTURE} "
        f"FROM core_captures, generate_series(1, {SYMBOLS}) s ORDER BY capture_no, 1"
    )
