-- Every line of a capture with the rule that it breaks by itself, or null. Rules: the platform's normalize_week, and the two
-- impossible combinations of zero. A row per venue needs one: an MPID, or for a non-ATS firm CRD and its number (CRD0: de
-- minimis firms). Good lines, nearly all, are settled by the first four comparisons.
SELECT line_number, total_shares, total_trades,
       CASE
           WHEN total_shares > 0 AND total_trades > 0 AND symbol <> '' AND (mpid <> '' OR :per_venue = 0) THEN NULL
           WHEN symbol = '' THEN 'EMPTY_SYMBOL'
           WHEN mpid = '' AND :per_venue = 1 THEN 'EMPTY_MPID'
           WHEN total_shares < 0 THEN 'NEGATIVE_VOLUME'
           WHEN total_trades < 0 THEN 'NEGATIVE_TRADES'
           WHEN total_shares = 0 AND total_trades = 0 THEN 'ZERO_VOLUME'
           WHEN total_shares = 0 THEN 'TRADES_WITHOUT_SHARES'
           ELSE 'SHARES_WITHOUT_TRADES'
       END AS reason_code
FROM finra_otc_transparency_lines
WHERE capture_no = :capture_no AND finra_otc_transparency_lines.reason_code IS NULL
