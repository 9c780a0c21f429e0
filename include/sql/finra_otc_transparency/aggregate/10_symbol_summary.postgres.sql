-- As 10_symbol_summary.sql, with what 30_concentration.postgres.sql needs from the same pass: a symbol's volumes, the largest
-- first, and its venues. Arrays, as windows over a million rows cost a second more, and a second pass another quarter of one.
CREATE TEMPORARY TABLE stage_symbols ON COMMIT DROP AS
SELECT symbol, SUM(volume) AS volume, SUM(trades) AS trades, COUNT(NULLIF(mpid, '')) AS venue_count,
       MAX(source_last_update_date) AS source_last_update_date, MAX(volume) AS top_volume,
       ARRAY_AGG(CAST(volume AS DOUBLE PRECISION) ORDER BY CAST(volume AS DOUBLE PRECISION) DESC) AS largest_first,
       ARRAY_AGG(volume) AS volumes, ARRAY_AGG(mpid) AS mpids
FROM (SELECT * FROM ${venue_rows} r ORDER BY symbol, mpid) v
GROUP BY symbol;

INSERT INTO finra_otc_transparency_symbol_summary (
    week_ending, tier, summary_type, symbol, total_volume, total_trades, venue_count, avg_trade_size,
    source_last_update_date, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, symbol, volume, trades, venue_count,
       CAST(volume AS DOUBLE PRECISION) / trades, source_last_update_date,
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM stage_symbols
