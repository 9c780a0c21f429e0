-- Alerts: the outbox, and what became of each.

-- One row for each time something was raised, committed with the outcome that caused it.
CREATE TABLE core_alerts (
    alert_id ${code} NOT NULL PRIMARY KEY,
    fingerprint ${code} NOT NULL,
    severity ${code} NOT NULL,
    state ${code} NOT NULL,
    title ${text} NOT NULL,
    message ${text} NOT NULL,
    source ${code} NOT NULL,
    domain ${code} NOT NULL,
    tier ${code} NOT NULL,
    week_ending ${date},
    error_category ${code},
    workflow ${code} NOT NULL,
    step ${code} NOT NULL,
    capture_id ${code} NOT NULL,
    execution_id ${text} NOT NULL,
    run_url ${text} NOT NULL,
    cause ${code} NOT NULL,
    metadata_json ${json} NOT NULL,
    occurred_at ${instant} NOT NULL,
    raised_at ${instant} NOT NULL,
    handled_at ${instant}
);
CREATE INDEX core_alerts_waiting ON core_alerts (handled_at, raised_at);
CREATE INDEX core_alerts_fingerprint ON core_alerts (fingerprint, raised_at);
