-- Lines that break a rule by themselves. Rules: the platform's normalize_week, and the two impossible combinations of zero.
-- An ATS row is identified by its MPID, a non-ATS row by its firm's CRD number (0: de minimis firms).
SELECT line_number,
       CASE
           WHEN symbol = '' THEN 'EMPTY_SYMBOL'
           WHEN mpid = '' AND crd_number IS NULL THEN 'EMPTY_MPID'
           WHEN total_shares < 0 THEN 'NEGATIVE_VOLUME'
           WHEN total_trades < 0 THEN 'NEGATIVE_TRADES'
           WHEN total_shares = 0 AND total_trades = 0 THEN 'ZERO_VOLUME'
           WHEN total_shares = 0 THEN 'TRADES_WITHOUT_SHARES'
           ELSE 'SHARES_WITHOUT_TRADES'
       END AS reason_code
FROM finra_otc_transparency_lines
WHERE capture_no = :capture_no
  AND (symbol = '' OR (mpid = '' AND crd_number IS NULL) OR total_shares <= 0 OR total_trades <= 0)
ORDER BY line_number
