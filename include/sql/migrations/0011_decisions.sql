-- What people decided about captures and weeks: append-only, the audit trail.

CREATE TABLE core_decisions (
    decision_id ${code} NOT NULL PRIMARY KEY,
    decision ${code} NOT NULL,
    domain ${code} NOT NULL,
    tier ${code} NOT NULL,
    week_ending ${date} NOT NULL,
    capture_id ${code} NOT NULL,
    fingerprint ${code} NOT NULL,
    purpose ${code} NOT NULL,
    decided_by ${text} NOT NULL,
    reason ${text} NOT NULL,
    execution_id ${text} NOT NULL,
    decided_at ${instant} NOT NULL
);
CREATE INDEX core_decisions_capture ON core_decisions (capture_id, decided_at);
CREATE INDEX core_decisions_week ON core_decisions (week_ending, tier);
