-- Lines that break a rule by themselves. Rules: the platform's normalize_week, and the two impossible combinations of zero.
-- A row per venue needs one: an MPID, or for a non-ATS firm CRD and its number (CRD0: de minimis firms).
SELECT line_number,
       CASE
           WHEN symbol = '' THEN 'EMPTY_SYMBOL'
           WHEN mpid = '' AND :per_venue = 1 THEN 'EMPTY_MPID'
           WHEN total_shares < 0 THEN 'NEGATIVE_VOLUME'
           WHEN total_trades < 0 THEN 'NEGATIVE_TRADES'
           WHEN total_shares = 0 AND total_trades = 0 THEN 'ZERO_VOLUME'
           WHEN total_shares = 0 THEN 'TRADES_WITHOUT_SHARES'
           ELSE 'SHARES_WITHOUT_TRADES'
       END AS reason_code
FROM finra_otc_transparency_lines
WHERE capture_no = :capture_no
  AND (symbol = '' OR (mpid = '' AND :per_venue = 1) OR total_shares <= 0 OR total_trades <= 0)
ORDER BY line_number
