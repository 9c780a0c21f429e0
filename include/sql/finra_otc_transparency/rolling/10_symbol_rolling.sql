-- Per symbol of the week: the last :window_weeks weeks, each from its newest capture. Means are over the weeks in which the
-- symbol traded; the trend compares the first of those with this week (UP above +5 %, DOWN below -5 %). A symbol with a
-- single week has no trend. Sums are exact and become doubles once, so no plan changes a last bit. Weeks that are not loaded are counted, never guessed.
-- The trillionth beyond 5 is for doubles: a change of exactly 5 % must not become UP by their rounding (SQLite's fractions).
INSERT INTO finra_otc_transparency_symbol_rolling (
    week_ending, tier, summary_type, symbol, window_weeks, avg_volume, avg_trades, min_volume, max_volume, first_week,
    trend_direction, trend_pct, weeks_in_window, weeks_loaded, is_complete, input_min_capture_id, input_max_capture_id,
    input_min_captured_at, input_max_captured_at, capture_id, captured_at, execution_id, batch_id, calculated_at)
SELECT :week_ending, :tier, :summary_type, r.symbol, :window_weeks, r.avg_volume, r.avg_trades, r.min_volume, r.max_volume,
       r.first_week,
       CASE WHEN r.weeks_in_window < 2 THEN NULL WHEN r.trend_pct > 5.000000000001 THEN 'UP'
            WHEN r.trend_pct < -5.000000000001 THEN 'DOWN' ELSE 'FLAT' END,
       CASE WHEN r.weeks_in_window < 2 THEN NULL ELSE r.trend_pct END,
       r.weeks_in_window, :weeks_loaded, CASE WHEN r.weeks_in_window = :window_weeks THEN 1 ELSE 0 END,
       r.input_min_capture_id, r.input_max_capture_id, r.input_min_captured_at, r.input_max_captured_at,
       :capture_id, :captured_at, :execution_id, CAST(:batch_id AS ${text}), :calculated_at
FROM (
    SELECT w.symbol, w.avg_volume, w.avg_trades, w.min_volume, w.max_volume, w.first_week, w.weeks_in_window,
           w.input_min_capture_id, w.input_max_capture_id, w.input_min_captured_at, w.input_max_captured_at,
           CAST(w.volume - f.total_volume AS DOUBLE PRECISION) / f.total_volume * 100 AS trend_pct
    FROM (
        SELECT s.symbol, CAST(SUM(s.total_volume) AS DOUBLE PRECISION) / COUNT(*) AS avg_volume,
               CAST(SUM(s.total_trades) AS DOUBLE PRECISION) / COUNT(*) AS avg_trades,
               MIN(s.total_volume) AS min_volume, MAX(s.total_volume) AS max_volume,
               MAX(CASE WHEN s.capture_id = :capture_id THEN s.total_volume END) AS volume,
               MIN(s.week_ending) AS first_week, COUNT(*) AS weeks_in_window,
               MIN(s.capture_id) AS input_min_capture_id, MAX(s.capture_id) AS input_max_capture_id,
               MIN(s.captured_at) AS input_min_captured_at, MAX(s.captured_at) AS input_max_captured_at
        FROM finra_otc_transparency_symbol_summary s
        WHERE s.capture_id IN (${window_captures})
        GROUP BY s.symbol
    ) w
    JOIN finra_otc_transparency_symbol_summary f
      ON f.capture_id IN (${window_captures}) AND f.symbol = w.symbol AND f.week_ending = w.first_week
    WHERE w.volume IS NOT NULL
) r
