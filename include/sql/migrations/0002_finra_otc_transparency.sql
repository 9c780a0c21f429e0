-- FINRA OTC Transparency. A source line is stored once, typed; raw and venue volume are two readings of it, and what is
-- the same for all lines of a capture stands in core_captures, not in every row.

CREATE TABLE finra_otc_transparency_lines (
    capture_no ${bigint} NOT NULL,
    line_number ${bigint} NOT NULL,
    symbol ${code} NOT NULL,
    mpid ${code} NOT NULL,
    crd_number ${bigint},
    product_type ${code},
    issue_name ${text} NOT NULL,
    venue_name ${text} NOT NULL,
    total_shares ${decimal} NOT NULL,
    total_trades ${bigint} NOT NULL,
    source_last_update_date ${date},
    reason_code ${code},
    PRIMARY KEY (capture_no, symbol, mpid, line_number)
);

-- Every parsed line, whether it passed the rules or not (reason_code says which one it broke).
CREATE VIEW finra_otc_transparency_raw AS
SELECT c.week_ending, c.tier, c.summary_type, l.symbol, l.issue_name, l.venue_name, l.mpid, l.crd_number, l.product_type,
       l.total_shares, l.total_trades, l.source_last_update_date, l.line_number, l.reason_code,
       c.source_name AS source_file, c.captured_at AS ingested_at,
       c.capture_id, c.captured_at, c.execution_id, c.batch_id
FROM finra_otc_transparency_lines l
JOIN core_captures c ON c.capture_no = l.capture_no;

-- The lines of normalized captures that passed every rule: one row per symbol and venue (row key in docs/glossary.md).
CREATE VIEW finra_otc_transparency_venue_volume AS
SELECT c.week_ending, c.tier, c.summary_type, l.symbol, l.mpid, l.crd_number, l.product_type, l.issue_name, l.venue_name,
       l.total_shares, l.total_trades,
       CAST(l.total_shares AS DOUBLE PRECISION) / l.total_trades AS avg_trade_size,
       l.source_last_update_date, l.line_number, m.updated_at AS normalized_at,
       c.capture_id, c.captured_at, m.execution_id, m.batch_id
FROM finra_otc_transparency_lines l
JOIN core_captures c ON c.capture_no = l.capture_no
JOIN core_manifest m ON m.capture_id = c.capture_id AND m.stage = 'NORMALIZED'
WHERE l.reason_code IS NULL;

CREATE VIEW finra_otc_transparency_venue_volume_latest AS
SELECT v.*
FROM finra_otc_transparency_venue_volume v
JOIN core_latest t ON t.capture_id = v.capture_id AND t.stage = 'NORMALIZED';

CREATE TABLE finra_otc_transparency_symbol_summary (
    week_ending ${date} NOT NULL,
    tier ${code} NOT NULL,
    summary_type ${code} NOT NULL,
    symbol ${code} NOT NULL,
    total_volume ${decimal} NOT NULL,
    total_trades ${bigint} NOT NULL,
    venue_count ${integer} NOT NULL,
    avg_trade_size ${double} NOT NULL,
    source_last_update_date ${date},
    capture_id ${code} NOT NULL,
    captured_at ${instant} NOT NULL,
    execution_id ${text} NOT NULL,
    batch_id ${text},
    calculated_at ${instant} NOT NULL,
    PRIMARY KEY (capture_id, symbol)
);
CREATE INDEX finra_otc_transparency_symbol_summary_history ON finra_otc_transparency_symbol_summary (symbol, week_ending);

CREATE TABLE finra_otc_transparency_venue_share (
    week_ending ${date} NOT NULL,
    tier ${code} NOT NULL,
    summary_type ${code} NOT NULL,
    mpid ${code} NOT NULL,
    venue_name ${text} NOT NULL,
    total_volume ${decimal} NOT NULL,
    total_trades ${bigint} NOT NULL,
    symbol_count ${integer} NOT NULL,
    -- A fraction of the tier's volume, 0..1: the name is the platform's, the value is not in percent.
    market_share_pct ${double} NOT NULL,
    rank ${integer} NOT NULL,
    capture_id ${code} NOT NULL,
    captured_at ${instant} NOT NULL,
    execution_id ${text} NOT NULL,
    batch_id ${text},
    calculated_at ${instant} NOT NULL,
    PRIMARY KEY (capture_id, mpid)
);

CREATE TABLE finra_otc_transparency_concentration (
    week_ending ${date} NOT NULL,
    tier ${code} NOT NULL,
    summary_type ${code} NOT NULL,
    symbol ${code} NOT NULL,
    hhi ${double} NOT NULL,
    venue_count ${integer} NOT NULL,
    total_symbol_volume ${decimal} NOT NULL,
    top_venue ${code} NOT NULL,
    top_venue_share ${double} NOT NULL,
    top_3_venue_share ${double} NOT NULL,
    capture_id ${code} NOT NULL,
    captured_at ${instant} NOT NULL,
    execution_id ${text} NOT NULL,
    batch_id ${text},
    calculated_at ${instant} NOT NULL,
    PRIMARY KEY (capture_id, symbol)
);

CREATE TABLE finra_otc_transparency_liquidity_score (
    week_ending ${date} NOT NULL,
    tier ${code} NOT NULL,
    summary_type ${code} NOT NULL,
    symbol ${code} NOT NULL,
    liquidity_score ${double} NOT NULL,
    total_volume ${decimal} NOT NULL,
    total_trades ${bigint} NOT NULL,
    venue_count ${integer} NOT NULL,
    avg_trade_size ${double} NOT NULL,
    volume_per_day ${double} NOT NULL,
    trades_per_day ${double} NOT NULL,
    trading_days ${integer} NOT NULL,
    capture_id ${code} NOT NULL,
    captured_at ${instant} NOT NULL,
    execution_id ${text} NOT NULL,
    batch_id ${text},
    calculated_at ${instant} NOT NULL,
    PRIMARY KEY (capture_id, symbol)
);

CREATE TABLE finra_otc_transparency_symbol_rolling (
    week_ending ${date} NOT NULL,
    tier ${code} NOT NULL,
    summary_type ${code} NOT NULL,
    symbol ${code} NOT NULL,
    window_weeks ${integer} NOT NULL,
    avg_volume ${double} NOT NULL,
    avg_trades ${double} NOT NULL,
    min_volume ${decimal} NOT NULL,
    max_volume ${decimal} NOT NULL,
    first_week ${date} NOT NULL,
    trend_direction ${code},
    trend_pct ${double},
    -- Weeks in which the symbol traded; weeks of the window that are loaded at all; 1 when both are the whole window.
    weeks_in_window ${integer} NOT NULL,
    weeks_loaded ${integer} NOT NULL,
    is_complete ${integer} NOT NULL,
    input_min_capture_id ${code} NOT NULL,
    input_max_capture_id ${code} NOT NULL,
    input_min_captured_at ${instant} NOT NULL,
    input_max_captured_at ${instant} NOT NULL,
    capture_id ${code} NOT NULL,
    captured_at ${instant} NOT NULL,
    execution_id ${text} NOT NULL,
    batch_id ${text},
    calculated_at ${instant} NOT NULL,
    PRIMARY KEY (capture_id, window_weeks, symbol)
);

CREATE VIEW finra_otc_transparency_symbol_summary_latest AS
SELECT s.* FROM finra_otc_transparency_symbol_summary s
JOIN core_latest t ON t.capture_id = s.capture_id AND t.stage = 'AGGREGATED';

CREATE VIEW finra_otc_transparency_venue_share_latest AS
SELECT s.* FROM finra_otc_transparency_venue_share s
JOIN core_latest t ON t.capture_id = s.capture_id AND t.stage = 'AGGREGATED';

CREATE VIEW finra_otc_transparency_concentration_latest AS
SELECT s.* FROM finra_otc_transparency_concentration s
JOIN core_latest t ON t.capture_id = s.capture_id AND t.stage = 'AGGREGATED';

CREATE VIEW finra_otc_transparency_liquidity_score_latest AS
SELECT s.* FROM finra_otc_transparency_liquidity_score s
JOIN core_latest t ON t.capture_id = s.capture_id AND t.stage = 'AGGREGATED';

CREATE VIEW finra_otc_transparency_symbol_rolling_latest AS
SELECT s.* FROM finra_otc_transparency_symbol_rolling s
JOIN core_latest t ON t.capture_id = s.capture_id AND t.stage = 'ROLLING';

-- A view, because a tier's share changes when another tier of the week arrives: it is never stale, and tiers_loaded
-- says how many tiers the denominator holds.
CREATE VIEW finra_otc_transparency_tier_share_latest AS
SELECT s.week_ending, s.tier, s.summary_type, s.symbol, s.total_volume AS tier_volume,
       w.total_symbol_volume_all_tiers,
       CAST(s.total_volume AS DOUBLE PRECISION) / w.total_symbol_volume_all_tiers AS tier_volume_share,
       n.tiers_loaded, s.capture_id, s.captured_at
FROM finra_otc_transparency_symbol_summary_latest s
JOIN (
    SELECT week_ending, summary_type, symbol, SUM(total_volume) AS total_symbol_volume_all_tiers
    FROM finra_otc_transparency_symbol_summary_latest
    GROUP BY week_ending, summary_type, symbol
) w ON w.week_ending = s.week_ending AND w.summary_type = s.summary_type AND w.symbol = s.symbol
JOIN (
    SELECT week_ending, summary_type, COUNT(*) AS tiers_loaded
    FROM core_latest
    WHERE domain = 'finra.otc_transparency' AND stage = 'AGGREGATED'
    GROUP BY week_ending, summary_type
) n ON n.week_ending = s.week_ending AND n.summary_type = s.summary_type;
