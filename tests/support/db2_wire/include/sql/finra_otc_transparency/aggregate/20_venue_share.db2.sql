-- As 20_venue_share.sql, in joins: Apache Derby has no windows over an order. A venue's rank is how many venues, itself among
-- them, come no later than it does.
INSERT INTO finra_otc_transparency_venue_share (
    week_ending, tier, summary_type, mpid, venue_name, total_volume, total_trades, symbol_count, market_share_pct, rank,
    capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, v.mpid, v.venue_name, v.total_volume, v.total_trades, v.symbol_count,
       CAST(v.total_volume AS DOUBLE PRECISION) / t.total_volume, p.place,
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM (
    SELECT mpid, MAX(venue_name) AS venue_name, SUM(total_shares) AS total_volume,
           SUM(total_trades) AS total_trades, COUNT(DISTINCT symbol) AS symbol_count
    FROM finra_otc_transparency_lines
    WHERE capture_no = :capture_no AND reason_code IS NULL
    GROUP BY mpid
) v
JOIN (
    SELECT a.mpid, COUNT(*) AS place
    FROM (
        SELECT mpid, SUM(total_shares) AS volume
        FROM finra_otc_transparency_lines
        WHERE capture_no = :capture_no AND reason_code IS NULL
        GROUP BY mpid
    ) a
    JOIN (
        SELECT mpid, SUM(total_shares) AS volume
        FROM finra_otc_transparency_lines
        WHERE capture_no = :capture_no AND reason_code IS NULL
        GROUP BY mpid
    ) b ON b.volume > a.volume OR (b.volume = a.volume AND b.mpid <= a.mpid)
    GROUP BY a.mpid
) p ON p.mpid = v.mpid
CROSS JOIN (
    SELECT SUM(total_shares) AS total_volume
    FROM finra_otc_transparency_lines
    WHERE capture_no = :capture_no AND reason_code IS NULL
) t
