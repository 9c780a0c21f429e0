-- Per symbol: volume per venue (the platform's liquidity score, two decimals) and per trading day of the week.
INSERT INTO finra_otc_transparency_liquidity_score (
    week_ending, tier, summary_type, symbol, liquidity_score, total_volume, total_trades, venue_count, avg_trade_size,
    volume_per_day, trades_per_day, trading_days, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT week_ending, tier, summary_type, symbol, ROUND(total_volume * 1.0 / venue_count, 2), total_volume, total_trades,
       venue_count, avg_trade_size, ROUND(total_volume * 1.0 / :trading_days, 2),
       ROUND(total_trades * 1.0 / :trading_days, 2), :trading_days,
       capture_id, captured_at, :execution_id, :batch_id, :calculated_at
FROM finra_otc_transparency_symbol_summary
WHERE capture_id = :capture_id
