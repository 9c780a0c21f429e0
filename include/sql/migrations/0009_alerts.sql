-- Alerts: the outbox, and what became of each.

-- One row for each time something was raised, committed with the outcome that caused it.
-- handled_at: when it was decided what becomes of it: told, repeated, throttled, silenced, inhibited or unrouted.
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
    handled_at ${instant},
    outcome ${code},
    outcome_detail ${text}
);
CREATE INDEX core_alerts_waiting ON core_alerts (handled_at, raised_at);
CREATE INDEX core_alerts_about ON core_alerts (source, tier, week_ending);
CREATE INDEX core_alerts_fingerprint ON core_alerts (fingerprint, raised_at);

-- The notification log: for every group of alerts and channel, what was last told.
CREATE TABLE core_alert_notifications (
    group_key ${code} NOT NULL,
    channel ${code} NOT NULL,
    state ${code} NOT NULL,
    severity ${code} NOT NULL,
    told_at ${instant} NOT NULL,
    suppressed_count ${bigint} NOT NULL,
    external_ref ${text},
    PRIMARY KEY (group_key, channel)
);

-- Messages on their way: one row for each, from the moment it is decided until it is delivered or given up.
CREATE TABLE core_alert_deliveries (
    delivery_id ${code} NOT NULL PRIMARY KEY,
    group_key ${code} NOT NULL,
    channel ${code} NOT NULL,
    status ${code} NOT NULL,
    alert_id ${code} NOT NULL,
    message_json ${json} NOT NULL,
    attempt ${integer} NOT NULL,
    created_at ${instant} NOT NULL,
    next_attempt_at ${instant} NOT NULL,
    delivered_at ${instant},
    response ${text},
    error ${text}
);
CREATE INDEX core_alert_deliveries_due ON core_alert_deliveries (status, next_attempt_at);

-- Messages in the present window of a throttle.
CREATE TABLE core_alert_throttle (
    throttle_key ${code} NOT NULL PRIMARY KEY,
    window_started_at ${instant} NOT NULL,
    sent_count ${bigint} NOT NULL
);

-- What nobody wants to hear of for a while.
CREATE TABLE core_alert_silences (
    silence_id ${code} NOT NULL PRIMARY KEY,
    match_json ${json} NOT NULL,
    owner ${text} NOT NULL,
    reason ${text} NOT NULL,
    created_at ${instant} NOT NULL,
    expires_at ${instant} NOT NULL
);

-- Every attempt to deliver, as the original platform names it.
CREATE TABLE alert_history (
    delivery_id ${code} NOT NULL,
    attempt ${integer} NOT NULL,
    alert_id ${code} NOT NULL,
    severity ${code} NOT NULL,
    title ${text} NOT NULL,
    message ${text} NOT NULL,
    source ${code} NOT NULL,
    execution_id ${text} NOT NULL,
    channel ${code} NOT NULL,
    sent_at ${instant} NOT NULL,
    success ${integer} NOT NULL,
    error ${text},
    metadata ${json} NOT NULL,
    PRIMARY KEY (delivery_id, attempt)
);
CREATE INDEX alert_history_sent ON alert_history (sent_at);
