-- What venue_rows stands for elsewhere: one row per symbol and MPID, lines of several products or issue names added up.
SELECT symbol, mpid, MAX(venue_name) AS venue_name, SUM(total_shares) AS volume, SUM(total_trades) AS trades,
       MAX(source_last_update_date) AS source_last_update_date
FROM finra_otc_transparency_lines
WHERE capture_no = :capture_no AND reason_code IS NULL
GROUP BY symbol, mpid
