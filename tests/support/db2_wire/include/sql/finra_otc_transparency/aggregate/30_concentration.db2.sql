-- As 30_concentration.sql, in joins, as in 20_venue_share.db2.sql: a venue's place is counted within its symbol.
INSERT INTO finra_otc_transparency_concentration (
    week_ending, tier, summary_type, symbol, hhi, venue_count, total_symbol_volume, top_venue, top_venue_share,
    top_3_venue_share, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, r.symbol, SUM(r.share * r.share), COUNT(*), MAX(r.total),
       MAX(CASE WHEN r.place = 1 THEN r.mpid END), MAX(r.share),
       SUM(CASE WHEN r.place <= 3 THEN r.share ELSE 0 END),
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM (
    SELECT v.symbol, v.mpid, t.total, CAST(v.volume AS DOUBLE PRECISION) / t.total AS share, p.place
    FROM (
        SELECT symbol, mpid, SUM(total_shares) AS volume
        FROM finra_otc_transparency_lines
        WHERE capture_no = :capture_no AND reason_code IS NULL
        GROUP BY symbol, mpid
    ) v
    JOIN (
        SELECT symbol, SUM(total_shares) AS total
        FROM finra_otc_transparency_lines
        WHERE capture_no = :capture_no AND reason_code IS NULL
        GROUP BY symbol
    ) t ON t.symbol = v.symbol
    JOIN (
        SELECT a.symbol, a.mpid, COUNT(*) AS place
        FROM (
            SELECT symbol, mpid, SUM(total_shares) AS volume
            FROM finra_otc_transparency_lines
            WHERE capture_no = :capture_no AND reason_code IS NULL
            GROUP BY symbol, mpid
        ) a
        JOIN (
            SELECT symbol, mpid, SUM(total_shares) AS volume
            FROM finra_otc_transparency_lines
            WHERE capture_no = :capture_no AND reason_code IS NULL
            GROUP BY symbol, mpid
        ) b ON b.symbol = a.symbol AND (b.volume > a.volume OR (b.volume = a.volume AND b.mpid <= a.mpid))
        GROUP BY a.symbol, a.mpid
    ) p ON p.symbol = v.symbol AND p.mpid = v.mpid
) r
GROUP BY r.symbol
