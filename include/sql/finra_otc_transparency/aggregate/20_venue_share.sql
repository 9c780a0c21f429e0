-- Per venue: its part of the tier's volume, and its rank (ties in the order of the MPID).
INSERT INTO finra_otc_transparency_venue_share (
    week_ending, tier, summary_type, mpid, venue_name, total_volume, total_trades, symbol_count, market_share_pct, rank,
    capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, v.mpid, v.venue_name, v.total_volume, v.total_trades, v.symbol_count,
       CAST(v.total_volume AS DOUBLE PRECISION) / SUM(v.total_volume) OVER (),
       ROW_NUMBER() OVER (ORDER BY v.total_volume DESC, v.mpid),
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM (
    SELECT mpid, MAX(venue_name) AS venue_name, ROUND(SUM(volume), 6) AS total_volume,
           SUM(trades) AS total_trades, COUNT(*) AS symbol_count
    FROM ${venue_rows} r
    GROUP BY mpid
) v
