-- Per symbol: volume per venue (the platform's liquidity score) and per trading day of the week. Not rounded: databases round a
-- half cent differently.
INSERT INTO finra_otc_transparency_liquidity_score (
    week_ending, tier, summary_type, symbol, liquidity_score, total_volume, total_trades, venue_count, avg_trade_size,
    volume_per_day, trades_per_day, trading_days, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT week_ending, tier, summary_type, symbol, CAST(total_volume AS DOUBLE PRECISION) / venue_count, total_volume, total_trades,
       venue_count, avg_trade_size, CAST(total_volume AS DOUBLE PRECISION) / :trading_days,
       CAST(total_trades AS DOUBLE PRECISION) / :trading_days, :trading_days,
       capture_id, captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM finra_otc_transparency_symbol_summary
WHERE capture_id = :capture_id
