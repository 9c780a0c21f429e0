-- Retention: what was removed, by whom, and that readers are never shown a capture whose rows are gone.

-- One row for each capture whose rows were removed, in the transaction that removed them.
CREATE TABLE core_prunes (
    capture_id ${code} NOT NULL PRIMARY KEY,
    domain ${code} NOT NULL,
    partition_key ${code} NOT NULL,
    superseded_by ${code} NOT NULL,
    row_count ${bigint} NOT NULL,
    rows_json ${json} NOT NULL,
    pruned_by ${text} NOT NULL,
    execution_id ${text} NOT NULL,
    pruned_at ${instant} NOT NULL
);
CREATE INDEX core_prunes_partition ON core_prunes (domain, partition_key);

-- core_latest, and with it every view that rests on it: Db2 drops none that another one needs.
DROP VIEW finra_otc_transparency_tier_share_latest;
DROP VIEW finra_otc_transparency_symbol_rolling_latest;
DROP VIEW finra_otc_transparency_liquidity_score_latest;
DROP VIEW finra_otc_transparency_concentration_latest;
DROP VIEW finra_otc_transparency_venue_share_latest;
DROP VIEW finra_otc_transparency_symbol_summary_latest;
DROP VIEW finra_otc_transparency_venue_volume_latest;
DROP VIEW core_latest;

-- For every partition and stage: the newest capture that finished the stage, is not held and still has its rows.
CREATE VIEW core_latest AS
SELECT c.capture_no, c.capture_id, c.domain, c.tier, c.week_ending, c.summary_type, c.revision, c.captured_at,
       m.stage, m.row_count, m.updated_at
FROM core_captures c
JOIN core_manifest m ON m.capture_id = c.capture_id
WHERE c.hold_reason IS NULL AND c.pruned_at IS NULL
  AND NOT EXISTS (
      SELECT 1
      FROM core_captures newer
      JOIN core_manifest reached ON reached.capture_id = newer.capture_id
      WHERE reached.stage = m.stage AND newer.domain = c.domain AND newer.tier = c.tier AND newer.week_ending = c.week_ending
        AND newer.summary_type = c.summary_type AND newer.revision > c.revision AND newer.hold_reason IS NULL
        AND newer.pruned_at IS NULL
  );

CREATE VIEW finra_otc_transparency_venue_volume_latest AS
SELECT v.*
FROM finra_otc_transparency_venue_volume v
JOIN core_latest t ON t.capture_id = v.capture_id AND t.stage = 'NORMALIZED';

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
