-- Per symbol: totals over its venues (venue_count is 0 where rows name no venue).
INSERT INTO finra_otc_transparency_symbol_summary (
    week_ending, tier, summary_type, symbol, total_volume, total_trades, venue_count, avg_trade_size,
    source_last_update_date, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, symbol, ROUND(SUM(total_shares), 6), SUM(total_trades), COUNT(DISTINCT NULLIF(mpid, '')),
       CAST(SUM(total_shares) AS DOUBLE PRECISION) / SUM(total_trades), MAX(source_last_update_date),
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM finra_otc_transparency_lines
WHERE capture_no = :capture_no AND reason_code IS NULL
GROUP BY symbol
