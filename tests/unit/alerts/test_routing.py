"""Who hears of an alert, and why nobody does."""

from __future__ import annotations

import datetime as dt

from spine.alerts.config import AlertConfig, Matcher, Silence, labels_of
from spine.alerts.model import Alert, AlertSeverity
from spine.alerts.routing import AlertOutcome, muted, ways
from tests.support.alerts import NOW, alert, config_of, resolved

ROUTES = """
channels:
  - {name: log, kind: console}
  - {name: slack, kind: slack, min_severity: WARNING}
  - {name: pager, kind: pagerduty, min_severity: CRITICAL}
routes:
  - {match: {severity: CRITICAL}, channels: pager, continue: true}
  - {match: {domain: "finra.*", tier: [T1, T2]}, channels: [slack, log]}
  - {match: {category: DEPENDENCY}, channels: slack, send_resolved: false}
  - {channels: log}
inhibit:
  - {source: {cause: source_late}, target: {cause: ["gate:*", run_failed]}, equal: [tier, week_ending]}
"""
CONFIG = config_of(ROUTES)


def channels(given: Alert, config: AlertConfig = CONFIG) -> list[str]:
    return [way.channel for way in ways(given, labels_of(given, "test"), config)]


def why_not(given: Alert, *firing: Alert, silences: tuple[Silence, ...] = ()) -> AlertOutcome | None:
    present = [labels_of(each, "test") for each in firing]
    reason = muted(given, labels_of(given, "test"), CONFIG, present, silences, NOW)
    return reason and reason[0]


def test_the_first_route_that_fits_and_those_behind_one_that_goes_on() -> None:
    grave = alert(severity=AlertSeverity.CRITICAL, domain="finra.otc_transparency", tier="T1")
    assert channels(grave) == ["pager", "slack", "log"]
    assert channels(alert(domain="finra.otc_transparency", tier="OTCE")) == ["log"]


def test_a_channel_hears_nothing_milder_than_it_wants() -> None:
    assert channels(alert(severity=AlertSeverity.INFO, domain="finra.x", tier="T1")) == ["log"]


def test_the_end_is_told_where_the_route_wants_it() -> None:
    from spine.core.errors import ErrorCategory

    assert channels(alert(category=ErrorCategory.DEPENDENCY)) == ["slack"]
    assert channels(resolved(category=ErrorCategory.DEPENDENCY)) == []


def test_a_channel_is_not_told_that_it_is_down() -> None:
    assert channels(alert(cause="channel:slack", domain="finra.x", tier="T1")) == ["log"]


def test_a_late_source_mutes_what_follows_for_the_same_week_alone() -> None:
    late = alert("late", cause="source_late", tier="T1", week_ending="2026-07-10")
    follows = alert(cause="gate:row_count", tier="T1", week_ending="2026-07-10")
    assert why_not(follows, late) is AlertOutcome.INHIBITED
    assert why_not(alert(cause="gate:row_count", tier="T1", week_ending="2026-07-17"), late) is None
    assert why_not(alert(cause="dead_letter", tier="T1", week_ending="2026-07-10"), late) is None
    assert why_not(late, late) is None
    assert why_not(resolved(cause="gate:row_count", tier="T1", week_ending="2026-07-10"), late) is None


def test_a_silence_holds_until_it_expires() -> None:
    match = Matcher({"source": ("finra.*",), "severity": ("ERROR", "WARNING")})
    silence = Silence(match, "ann", "migration", NOW + dt.timedelta(hours=1))
    over = Silence(match, "ann", "migration", NOW - dt.timedelta(hours=1))
    assert why_not(alert(), silences=(silence,)) is AlertOutcome.SILENCED
    assert why_not(alert(), silences=(over,)) is None
    assert why_not(alert(severity=AlertSeverity.CRITICAL), silences=(silence,)) is None


def test_a_fingerprint_is_the_same_thing_again_whatever_its_severity_run_or_state() -> None:
    one = alert(tier="T1", week_ending="2026-07-10", run_id="a")
    assert one.fingerprint == resolved(severity=AlertSeverity.CRITICAL, tier="T1", week_ending="2026-07-10").fingerprint
    assert one.fingerprint != alert(tier="T1", week_ending="2026-07-17").fingerprint
