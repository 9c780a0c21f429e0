-- Per symbol: Herfindahl-Hirschman index over its venues (sum of squared shares, 0..1), the largest venue and the top three.
INSERT INTO finra_otc_transparency_concentration (
    week_ending, tier, summary_type, symbol, hhi, venue_count, total_symbol_volume, top_venue, top_venue_share,
    top_3_venue_share, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, r.symbol, SUM(r.share * r.share), COUNT(*), ROUND(MAX(r.total), 6),
       MAX(CASE WHEN r.place = 1 THEN r.mpid END), MAX(r.share),
       SUM(CASE WHEN r.place <= 3 THEN r.share ELSE 0 END),
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM (
    SELECT v.symbol, v.mpid, SUM(v.volume) OVER (PARTITION BY v.symbol) AS total,
           CAST(v.volume AS DOUBLE PRECISION) / SUM(v.volume) OVER (PARTITION BY v.symbol) AS share,
           ROW_NUMBER() OVER (PARTITION BY v.symbol ORDER BY v.volume DESC, v.mpid) AS place
    FROM ${venue_rows} v
) r
GROUP BY r.symbol
