-- The same for symbols, by their totals.
SELECT
    (SELECT COUNT(*) FROM finra_otc_transparency_symbol_summary n
     WHERE n.capture_id = :new_id AND NOT EXISTS (
         SELECT 1 FROM finra_otc_transparency_symbol_summary o
         WHERE o.capture_id = :old_id AND o.symbol = n.symbol)) AS symbols_added,
    (SELECT COUNT(*) FROM finra_otc_transparency_symbol_summary o
     WHERE o.capture_id = :old_id AND NOT EXISTS (
         SELECT 1 FROM finra_otc_transparency_symbol_summary n
         WHERE n.capture_id = :new_id AND n.symbol = o.symbol)) AS symbols_removed,
    (SELECT COUNT(*) FROM finra_otc_transparency_symbol_summary n
     JOIN finra_otc_transparency_symbol_summary o ON o.capture_id = :old_id AND o.symbol = n.symbol
     WHERE n.capture_id = :new_id
       AND (n.total_volume <> o.total_volume OR n.total_trades <> o.total_trades)) AS symbols_changed,
    (SELECT SUM(total_volume) FROM finra_otc_transparency_symbol_summary WHERE capture_id = :old_id) AS volume_before,
    (SELECT SUM(total_volume) FROM finra_otc_transparency_symbol_summary WHERE capture_id = :new_id) AS volume_after
${no_table}
