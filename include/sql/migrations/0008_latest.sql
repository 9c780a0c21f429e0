-- Reads that cost what they bring, however long the history: a reader's tier and weeks choose captures, of which there are
-- few, and every other row is found by the key that begins with its capture.

DROP VIEW finra_otc_transparency_tier_share_latest;
DROP VIEW finra_otc_transparency_symbol_rolling_latest;
DROP VIEW finra_otc_transparency_liquidity_score_latest;
DROP VIEW finra_otc_transparency_concentration_latest;
DROP VIEW finra_otc_transparency_venue_share_latest;
DROP VIEW finra_otc_transparency_symbol_summary_latest;
DROP VIEW finra_otc_transparency_venue_volume_latest;
DROP VIEW core_latest;

-- Weeks by themselves, of any tier: the _latest views, read_as_of, the console's newest week.
CREATE INDEX core_captures_week ON core_captures (week_ending);

-- Read by nobody: rows of a capture are found by its id. An index that begins with the symbol costs a page for every row of
-- a week, and the more the longer the history is.
DROP INDEX finra_otc_transparency_symbol_summary_history;
DROP INDEX core_manifest_partition;
DROP INDEX core_rejects_partition;
DROP INDEX core_quality_partition;
DROP INDEX core_data_revisions_partition;

-- The indexes that stay, and what reads by them:
--   core_captures (capture_no)       lines to their capture
--   core_captures (capture_id)       every later stage, the ledger
--   core_captures (domain, tier, week_ending, summary_type, revision)   captures of a partition, the newer ones of a capture
--   core_manifest, core_rejects, core_quality (capture_id, ...)   stages, rejects and checks of a capture
--   core_loads (domain, partition_key, loaded_at)   the newest load of a partition
--   lines (capture_no, symbol, ...)  a capture's lines; a symbol's in given captures
--   derived tables (capture_id, ...) a capture's rows; a symbol's or venue's in given captures

-- For every partition and stage: the newest capture that finished the stage, is not held and has its rows. Who finished the
-- stage, and when, are the last three columns.
CREATE VIEW core_latest AS
SELECT c.capture_no, c.capture_id, c.domain, c.tier, c.week_ending, c.summary_type, c.revision, c.captured_at,
       m.stage, m.row_count, m.updated_at, m.execution_id, m.batch_id
FROM core_captures c
JOIN core_manifest m ON m.capture_id = c.capture_id
WHERE c.hold_reason IS NULL AND c.pruned_at IS NULL
  AND NOT EXISTS (
      SELECT 1
      FROM core_captures newer
      JOIN core_manifest reached ON reached.capture_id = newer.capture_id
      WHERE reached.stage = m.stage AND newer.domain = c.domain AND newer.tier = c.tier AND newer.week_ending = c.week_ending
        AND newer.summary_type = c.summary_type AND newer.revision > c.revision AND newer.hold_reason IS NULL
        AND newer.pruned_at IS NULL
  );

-- Here and below the weeks come from the capture, not from the row, so that a reader's weeks choose captures; and it is a
-- CROSS JOIN, because SQLite then looks for captures first, while elsewhere it is like any other.
CREATE VIEW finra_otc_transparency_venue_volume_latest AS
SELECT t.week_ending, t.tier, t.summary_type, l.symbol, l.mpid, l.crd_number, l.product_type, l.issue_name, l.venue_name,
       l.total_shares, l.total_trades,
       CAST(l.total_shares AS DOUBLE PRECISION) / l.total_trades AS avg_trade_size,
       l.source_last_update_date, l.line_number, t.updated_at AS normalized_at,
       t.capture_id, t.captured_at, t.execution_id, t.batch_id
FROM core_latest t
CROSS JOIN finra_otc_transparency_lines l
WHERE l.capture_no = t.capture_no AND t.stage = 'NORMALIZED' AND l.reason_code IS NULL;

CREATE VIEW finra_otc_transparency_symbol_summary_latest AS
SELECT t.week_ending, t.tier, t.summary_type, s.symbol, s.total_volume, s.total_trades, s.venue_count, s.avg_trade_size,
       s.source_last_update_date, t.capture_id, t.captured_at, s.execution_id, s.batch_id, s.calculated_at
FROM core_latest t
CROSS JOIN finra_otc_transparency_symbol_summary s
WHERE s.capture_id = t.capture_id AND t.stage = 'AGGREGATED';

CREATE VIEW finra_otc_transparency_venue_share_latest AS
SELECT t.week_ending, t.tier, t.summary_type, s.mpid, s.venue_name, s.total_volume, s.total_trades, s.symbol_count,
       s.market_share_pct, s.rank, t.capture_id, t.captured_at, s.execution_id, s.batch_id, s.calculated_at
FROM core_latest t
CROSS JOIN finra_otc_transparency_venue_share s
WHERE s.capture_id = t.capture_id AND t.stage = 'AGGREGATED';

CREATE VIEW finra_otc_transparency_concentration_latest AS
SELECT t.week_ending, t.tier, t.summary_type, s.symbol, s.hhi, s.venue_count, s.total_symbol_volume, s.top_venue,
       s.top_venue_share, s.top_3_venue_share, t.capture_id, t.captured_at, s.execution_id, s.batch_id, s.calculated_at
FROM core_latest t
CROSS JOIN finra_otc_transparency_concentration s
WHERE s.capture_id = t.capture_id AND t.stage = 'AGGREGATED';

CREATE VIEW finra_otc_transparency_liquidity_score_latest AS
SELECT t.week_ending, t.tier, t.summary_type, s.symbol, s.liquidity_score, s.total_volume, s.total_trades,
       s.venue_count, s.avg_trade_size, s.volume_per_day, s.trades_per_day, s.trading_days, t.capture_id, t.captured_at,
       s.execution_id, s.batch_id, s.calculated_at
FROM core_latest t
CROSS JOIN finra_otc_transparency_liquidity_score s
WHERE s.capture_id = t.capture_id AND t.stage = 'AGGREGATED';

CREATE VIEW finra_otc_transparency_symbol_rolling_latest AS
SELECT t.week_ending, t.tier, t.summary_type, s.symbol, s.window_weeks, s.avg_volume, s.avg_trades, s.min_volume,
       s.max_volume, s.first_week, s.trend_direction, s.trend_pct, s.weeks_in_window, s.weeks_loaded, s.is_complete,
       s.input_min_capture_id, s.input_max_capture_id, s.input_min_captured_at, s.input_max_captured_at, t.capture_id,
       t.captured_at, s.execution_id, s.batch_id, s.calculated_at
FROM core_latest t
CROSS JOIN finra_otc_transparency_symbol_rolling s
WHERE s.capture_id = t.capture_id AND t.stage = 'ROLLING';

-- A view, because a tier's share changes when another tier of the week arrives: it is never stale, and tiers_loaded
-- says how many tiers the denominator holds.
CREATE VIEW finra_otc_transparency_tier_share_latest AS
SELECT s.week_ending, s.tier, s.summary_type, s.symbol, s.total_volume AS tier_volume,
       w.total_symbol_volume_all_tiers,
       CAST(s.total_volume AS DOUBLE PRECISION) / w.total_symbol_volume_all_tiers AS tier_volume_share,
       n.tiers_loaded, s.capture_id, s.captured_at
FROM finra_otc_transparency_symbol_summary_latest s
JOIN (
    SELECT week_ending, summary_type, symbol, SUM(total_volume) AS total_symbol_volume_all_tiers
    FROM finra_otc_transparency_symbol_summary_latest
    GROUP BY week_ending, summary_type, symbol
) w ON w.week_ending = s.week_ending AND w.summary_type = s.summary_type AND w.symbol = s.symbol
JOIN (
    SELECT week_ending, summary_type, COUNT(*) AS tiers_loaded
    FROM core_latest
    WHERE domain = 'finra.otc_transparency' AND stage = 'AGGREGATED'
    GROUP BY week_ending, summary_type
) n ON n.week_ending = s.week_ending AND n.summary_type = s.summary_type;
