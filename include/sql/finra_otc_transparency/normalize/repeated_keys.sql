-- Lines whose symbol and MPID occur more than once; whether the whole row key repeats is for the caller to see.
SELECT l.line_number, l.symbol, l.mpid, l.crd_number, l.product_type, l.issue_name, l.total_shares, l.total_trades
FROM finra_otc_transparency_lines l
JOIN (
    SELECT symbol, mpid
    FROM finra_otc_transparency_lines
    WHERE capture_no = :capture_no AND reason_code IS NULL
    GROUP BY symbol, mpid
    HAVING COUNT(*) > 1
) r ON r.symbol = l.symbol AND r.mpid = l.mpid
WHERE l.capture_no = :capture_no AND l.reason_code IS NULL
ORDER BY l.line_number
