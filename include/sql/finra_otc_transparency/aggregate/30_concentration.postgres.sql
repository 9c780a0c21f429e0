-- As 30_concentration.sql, from what 10_symbol_summary.postgres.sql has computed.
INSERT INTO finra_otc_transparency_concentration (
    week_ending, tier, summary_type, symbol, hhi, venue_count, total_symbol_volume, top_venue, top_venue_share,
    top_3_venue_share, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, symbol, hhi, venue_count, volume, top_venue, top_venue_share, top_3_venue_share,
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM stage_symbols
