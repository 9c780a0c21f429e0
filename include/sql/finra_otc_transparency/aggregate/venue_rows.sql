-- What the placeholder venue_rows stands for where no two lines of a capture share symbol and MPID, as in FINRA's files: the lines.
SELECT symbol, mpid, venue_name, total_shares AS volume, total_trades AS trades, source_last_update_date
FROM finra_otc_transparency_lines
WHERE capture_no = :capture_no AND reason_code IS NULL
