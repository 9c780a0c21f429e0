-- Per symbol: totals over its venues (venue_count is 0 where rows name no venue).
INSERT INTO finra_otc_transparency_symbol_summary (
    week_ending, tier, summary_type, symbol, total_volume, total_trades, venue_count, avg_trade_size,
    source_last_update_date, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, symbol, ROUND(SUM(volume), 6), SUM(trades), COUNT(NULLIF(mpid, '')),
       CAST(SUM(volume) AS DOUBLE PRECISION) / SUM(trades), MAX(source_last_update_date),
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM ${venue_rows} v
GROUP BY symbol
