-- How far the Herfindahl-Hirschman indexes moved.
SELECT COUNT(CASE WHEN ABS(n.hhi - o.hhi) > 0.000000001 THEN 1 END) AS hhi_changed,
       COUNT(CASE WHEN ABS(n.hhi - o.hhi) > 0.05 THEN 1 END) AS hhi_moved_over_5_points,
       COALESCE(MAX(ABS(n.hhi - o.hhi)), 0) AS hhi_largest_move
FROM finra_otc_transparency_concentration n
JOIN finra_otc_transparency_concentration o ON o.capture_id = :old_id AND o.symbol = n.symbol
WHERE n.capture_id = :new_id
