-- How good the stored weeks are: what is wrong until somebody says otherwise, scores, and which weeks may be relied on.

-- One row for each thing that is not as it should be, found again and again until it is gone or a person settles it.
CREATE TABLE core_anomalies (
    anomaly_id ${code} NOT NULL PRIMARY KEY,
    issue_key ${code} NOT NULL,
    domain ${code} NOT NULL,
    check_name ${code} NOT NULL,
    about ${text} NOT NULL,
    severity ${code} NOT NULL,
    tier ${code} NOT NULL,
    week_ending ${date},
    summary_type ${code} NOT NULL,
    capture_id ${code} NOT NULL,
    message ${text} NOT NULL,
    remedy ${text} NOT NULL,
    details_json ${json} NOT NULL,
    affected_records ${bigint} NOT NULL,
    state ${code} NOT NULL,
    detected_at ${instant} NOT NULL,
    last_seen_at ${instant} NOT NULL,
    seen_count ${bigint} NOT NULL,
    settled_at ${instant},
    settled_by ${text},
    settled_note ${text},
    execution_id ${text} NOT NULL
);
CREATE INDEX core_anomalies_state ON core_anomalies (state, severity);
CREATE INDEX core_anomalies_week ON core_anomalies (week_ending, tier);
CREATE INDEX core_anomalies_key ON core_anomalies (issue_key);

-- The newest score of each week of each tier (symbol is empty), and of each symbol over the weeks up to week_ending.
CREATE TABLE core_quality_scores (
    domain ${code} NOT NULL,
    summary_type ${code} NOT NULL,
    tier ${code} NOT NULL,
    week_ending ${date} NOT NULL,
    symbol ${code} NOT NULL,
    score ${double} NOT NULL,
    grade ${code} NOT NULL,
    completeness ${double},
    consistency ${double},
    validity ${double},
    stability ${double},
    timeliness ${double},
    issue_count ${bigint} NOT NULL,
    notes ${text} NOT NULL,
    capture_id ${code} NOT NULL,
    assessed_at ${instant} NOT NULL,
    execution_id ${text} NOT NULL,
    PRIMARY KEY (domain, summary_type, tier, week_ending, symbol)
);

-- Which weeks may be relied on, as it was when somebody looked last.
CREATE TABLE core_data_readiness (
    domain ${code} NOT NULL,
    summary_type ${code} NOT NULL,
    tier ${code} NOT NULL,
    week_ending ${date} NOT NULL,
    state ${code} NOT NULL,
    is_ready ${integer} NOT NULL,
    ready_for ${text} NOT NULL,
    capture_id ${code} NOT NULL,
    blocking_issues ${json} NOT NULL,
    checked_at ${instant} NOT NULL,
    PRIMARY KEY (domain, summary_type, tier, week_ending)
);

-- Great Expectations' own page of what a gate said last of a capture: gzip, then Base64.
CREATE TABLE core_gate_pages (
    capture_id ${code} NOT NULL,
    suite ${code} NOT NULL,
    execution_id ${text} NOT NULL,
    page_gzip ${json} NOT NULL,
    created_at ${instant} NOT NULL,
    PRIMARY KEY (capture_id, suite)
);
