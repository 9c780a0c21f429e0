-- Row keys of two captures: in the new one alone, in the old one alone, and in both with other numbers. FINRA's download
-- file has no product type, so a missing one matches any.
SELECT
    (SELECT COUNT(*) FROM finra_otc_transparency_lines n
     WHERE n.capture_no = :new_no AND n.reason_code IS NULL AND NOT EXISTS (
         SELECT 1 FROM finra_otc_transparency_lines o
         WHERE o.capture_no = :old_no AND o.reason_code IS NULL AND o.symbol = n.symbol AND o.mpid = n.mpid
           AND o.issue_name = n.issue_name AND COALESCE(o.product_type, n.product_type, '') = COALESCE(n.product_type, o.product_type, ''))) AS rows_added,
    (SELECT COUNT(*) FROM finra_otc_transparency_lines o
     WHERE o.capture_no = :old_no AND o.reason_code IS NULL AND NOT EXISTS (
         SELECT 1 FROM finra_otc_transparency_lines n
         WHERE n.capture_no = :new_no AND n.reason_code IS NULL AND n.symbol = o.symbol AND n.mpid = o.mpid
           AND n.issue_name = o.issue_name AND COALESCE(n.product_type, o.product_type, '') = COALESCE(o.product_type, n.product_type, ''))) AS rows_removed,
    (SELECT COUNT(*) FROM finra_otc_transparency_lines n
     JOIN finra_otc_transparency_lines o
       ON o.capture_no = :old_no AND o.reason_code IS NULL AND o.symbol = n.symbol AND o.mpid = n.mpid
      AND o.issue_name = n.issue_name AND COALESCE(o.product_type, n.product_type, '') = COALESCE(n.product_type, o.product_type, '')
     WHERE n.capture_no = :new_no AND n.reason_code IS NULL
       AND (n.total_shares <> o.total_shares OR n.total_trades <> o.total_trades)) AS rows_changed
${no_table}
