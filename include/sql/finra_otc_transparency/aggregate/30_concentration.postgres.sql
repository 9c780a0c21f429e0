-- As 30_concentration.sql, from what 10_symbol_summary.postgres.sql gathered. The largest venue is the first, in the order of the
-- MPID, that has the largest volume.
INSERT INTO finra_otc_transparency_concentration (
    week_ending, tier, summary_type, symbol, hhi, venue_count, total_symbol_volume, top_venue, top_venue_share,
    top_3_venue_share, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, s.symbol,
       (SELECT SUM(v.share * v.share) FROM (SELECT UNNEST(s.largest_first) / s.total AS share) v),
       CARDINALITY(s.mpids), s.volume, s.mpids[ARRAY_POSITION(s.volumes, s.top_volume)], s.largest_first[1] / s.total,
       s.largest_first[1] / s.total + COALESCE(s.largest_first[2] / s.total, 0) + COALESCE(s.largest_first[3] / s.total, 0),
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM (SELECT *, CAST(volume AS DOUBLE PRECISION) AS total FROM stage_symbols) s
