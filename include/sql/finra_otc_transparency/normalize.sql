-- Judges the lines of one capture; DuckDB, in the worker, over the Arrow table `lines`. Gives the lines that break a rule:
-- line_number, reason_code, reason_detail. Rules and codes: market-spine's normalize_week, plus the two impossible
-- combinations of zero. Of exact duplicates the first line stays; of lines with the same key and other numbers none does,
-- because nothing says which of them is right.
WITH judged AS (
    SELECT *,
        CASE
            WHEN symbol = '' THEN 'EMPTY_SYMBOL'
            WHEN length(symbol) > 20 OR NOT regexp_full_match(symbol, '[A-Z0-9./-]+') THEN 'INVALID_SYMBOL'
            WHEN mpid = '' AND starts_with($summary_type, 'ATS_') THEN 'EMPTY_MPID'
            WHEN mpid <> '' AND NOT regexp_full_match(mpid, '[A-Z0-9]{1,20}') THEN 'INVALID_MPID'
            WHEN total_shares < 0 THEN 'NEGATIVE_VOLUME'
            WHEN total_trades < 0 THEN 'NEGATIVE_TRADES'
            WHEN total_shares = 0 AND total_trades = 0 THEN 'ZERO_VOLUME'
            WHEN total_shares = 0 THEN 'TRADES_WITHOUT_SHARES'
            WHEN total_trades = 0 THEN 'SHARES_WITHOUT_TRADES'
        END AS broken
    FROM lines
), keyed AS (
    SELECT line_number, symbol, mpid, total_shares, total_trades,
        min(line_number) OVER same_key AS first_line,
        count(*) OVER same_key AS copies,
        min(total_shares) OVER same_key <> max(total_shares) OVER same_key
            OR min(total_trades) OVER same_key <> max(total_trades) OVER same_key AS differ
    FROM judged
    WHERE broken IS NULL
      AND (symbol, mpid) IN (SELECT (symbol, mpid) FROM judged WHERE broken IS NULL GROUP BY symbol, mpid HAVING count(*) > 1)
    WINDOW same_key AS (PARTITION BY symbol, mpid, crd_number, product_type, issue_name)
)
SELECT line_number, broken AS reason_code,
    format('symbol {}, MPID {}, {} shares, {} trades', symbol, mpid, total_shares, total_trades) AS reason_detail
FROM judged
WHERE broken IS NOT NULL
UNION ALL
SELECT line_number, CASE WHEN differ THEN 'CONFLICTING_KEY' ELSE 'DUPLICATE_ROW' END,
    CASE WHEN differ
        THEN format('{} lines, first {}, give {} at {} different numbers; none is published', copies, first_line, symbol, mpid)
        ELSE format('the same as line {}', first_line)
    END
FROM keyed
WHERE differ OR (copies > 1 AND line_number > first_line)
ORDER BY line_number
