"""From the outbox to a channel: told once, never lost, and everything accounted for."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from spine.alerts.delivery import Round, deliver
from spine.alerts.model import Alert, AlertSeverity
from spine.alerts.outbox import raise_alert
from spine.alerts.retention import prune_alerts
from spine.pipelines.connections import ConnectionDetails
from spine.storage.base import Storage
from tests.support.alert_tasks import deliver_once, raise_many
from tests.support.alerts import NOW, alert, config_of, resolved
from tests.support.connections import GivenConnections
from tests.support.http_server import Asked, Reply, serving
from tests.support.peers import peer

ROUTES = """
channels:
  - {name: hook, kind: webhook, conn_id: hook}
routes:
  - {channels: hook, repeat_interval: 4h, throttle: {max: 10, per: 5m, by: source}}
"""
TWO = """
channels:
  - {name: hook, kind: webhook, conn_id: hook}
  - {name: other, kind: webhook, conn_id: other}
routes:
  - {match: {source: spine.alerts}, channels: [hook, other]}
  - {channels: hook}
"""


@dataclass(slots=True)
class Office:
    """One deployment's alerts, a clock that the test moves, and a service that listens."""

    storage: Storage
    routes: str = ROUTES
    now: dt.datetime = NOW
    url: str = ""
    heard: list[dict[str, object]] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    others: list[dict[str, object]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/other":
            self.others.append(json.loads(asked.body))
            return Reply(b"")
        if self.replies:
            return self.replies.pop(0)
        self.heard.append(json.loads(asked.body))
        return Reply(b"")

    def raise_(self, *alerts: Alert) -> None:
        for each in alerts:
            raise_alert(self.storage, each, self.now)

    def deliver(self) -> Round:
        connections = GivenConnections(
            ConnectionDetails("hook", "http", host=self.url),
            ConnectionDetails("other", "http", host=f"{self.url}/other"),
        )
        return deliver(self.storage, config_of(self.routes), connections, clock=lambda: self.now)

    def later(self, **span: float) -> None:
        self.now += dt.timedelta(**span)

    def titles(self) -> list[str]:
        return [f"{each['state']} {each['title']}" for each in self.heard]

    def outcomes(self) -> list[str]:
        rows = self.storage.query("SELECT outcome FROM core_alerts ORDER BY raised_at, alert_id")
        return [row[0] for row in rows.rows]


@contextmanager
def office_of(storage: Storage) -> Iterator[Office]:
    office = Office(storage)
    with serving(office.answer) as server:
        office.url = server.url
        yield office


@pytest.fixture
def office(upgraded_storage: Storage) -> Iterator[Office]:
    with office_of(upgraded_storage) as office:
        yield office


def test_an_alert_is_told_once_and_again_after_the_repeat_interval(office: Office) -> None:
    office.raise_(alert())
    assert office.deliver().delivered == 1
    office.later(minutes=10)
    office.raise_(alert(), alert())
    assert office.deliver().delivered == 0
    office.later(hours=4)
    office.raise_(alert())
    office.deliver()
    assert [(each["count"], each["suppressed"]) for each in office.heard] == [(1, 0), (1, 2)]
    assert office.outcomes() == ["told", "repeated", "repeated", "told"]


def test_the_end_is_told_to_those_who_know_of_the_beginning(office: Office) -> None:
    office.raise_(resolved("never told"))
    office.raise_(alert("told"))
    office.deliver()
    office.later(minutes=1)
    office.raise_(resolved("told"))
    office.deliver()
    office.later(minutes=1)
    office.raise_(alert("told"))
    office.deliver()
    assert office.titles() == ["FIRING told", "RESOLVED told", "FIRING told"]


def test_what_began_and_ended_before_anybody_heard_is_told_once(office: Office) -> None:
    office.raise_(alert())
    office.later(seconds=1)
    office.raise_(resolved())
    office.deliver()
    assert office.titles() == ["RESOLVED It broke"] and office.heard[0]["count"] == 2


def test_a_graver_alert_is_no_repetition(office: Office) -> None:
    office.raise_(alert(severity=AlertSeverity.WARNING))
    office.deliver()
    office.later(seconds=1)
    office.raise_(alert(severity=AlertSeverity.CRITICAL))
    office.deliver()
    assert [each["severity"] for each in office.heard] == ["WARNING", "CRITICAL"]


def test_no_more_than_the_throttle_lets_through_and_the_rest_is_counted(office: Office) -> None:
    office.raise_(*(alert(f"thing {number}", cause=f"thing:{number}") for number in range(30)))
    office.deliver()
    assert len(office.heard) == 10
    office.later(minutes=6)
    office.raise_(*(alert(f"thing {number}", cause=f"thing:{number}") for number in range(30)))
    office.deliver()
    assert len(office.heard) == 20, "ten more, of those that nobody had heard of"
    assert len({each["title"] for each in office.heard}) == 20
    assert set(office.outcomes()) == {"told", "repeated", "throttled"}


def test_a_group_is_one_message(office: Office) -> None:
    office.routes = ROUTES.replace("repeat_interval", "group_by: [tier], repeat_interval")
    office.raise_(*(alert(f"thing {number}", tier="T1") for number in range(12)), alert("other", tier="T2"))
    office.deliver()
    assert sorted(each["count"] for each in office.heard) == [1, 12]
    [twelve] = [each for each in office.heard if each["count"] == 12]
    assert len(twelve["lines"]) == 11 and str(twelve["lines"][-1]) == "and 2 more"  # type: ignore[arg-type, index]


def test_a_silence_of_a_person_holds_and_ends(office: Office) -> None:
    office.storage.execute(
        "INSERT INTO core_alert_silences (silence_id, match_json, owner, reason, created_at, expires_at) "
        "VALUES ('s', :match, 'ann', 'migration', :now, :until)",
        {"match": {"source": ["finra.*"]}, "now": NOW, "until": NOW + dt.timedelta(hours=1)},
    )
    office.raise_(alert())
    office.deliver()
    office.later(hours=2)
    office.raise_(alert())
    office.deliver()
    assert office.outcomes() == ["silenced", "told"] and len(office.heard) == 1


def test_a_late_source_mutes_what_follows(office: Office) -> None:
    office.routes += "inhibit: [{source: {cause: source_late}, target: {cause: 'gate:*'}}]\n"
    same = {"domain": "finra", "tier": "T1", "week_ending": "2026-07-10"}
    office.raise_(alert("late", cause="source_late", **same), alert("gate", cause="gate:row_count", **same))
    office.deliver()
    office.later(minutes=1)
    office.raise_(resolved("late", cause="source_late", **same))
    office.deliver()
    office.later(minutes=1)
    office.raise_(alert("gate", cause="gate:row_count", **same))
    office.deliver()
    assert office.titles() == ["FIRING late", "RESOLVED late", "FIRING gate"]


def test_a_channel_that_is_down_for_an_hour_hears_of_it_once_when_it_is_back(office: Office) -> None:
    office.routes = TWO
    office.replies = [Reply(b"", 503)] * 200
    office.raise_(alert())
    for _ in range(60):
        office.deliver()
        office.later(minutes=1)
        office.raise_(alert())
    assert not office.heard
    assert [each["title"] for each in office.others] == ["Alert channel hook does not take messages"]
    office.replies.clear()
    office.later(minutes=10)
    office.deliver()
    office.later(minutes=1)
    office.deliver()
    assert office.titles() == ["FIRING It broke"]
    assert [each["state"] for each in office.others] == ["FIRING", "RESOLVED"]
    tries = office.storage.query(
        "SELECT success, COUNT(*) FROM alert_history WHERE channel = 'hook' GROUP BY success"
    ).rows
    assert {int(success): int(count) for success, count in tries}[1] == 1


def test_what_a_channel_refuses_for_good_is_given_up_and_told_elsewhere(office: Office) -> None:
    office.routes = TWO
    office.replies = [Reply(b"no such hook", 404)]
    office.raise_(alert())
    assert office.deliver().given_up == 1
    office.deliver()
    assert not office.heard and len(office.others) == 1
    [status] = office.storage.query("SELECT status FROM core_alert_deliveries WHERE channel = 'hook'").rows[0]
    assert status == "FAILED"


def test_a_busy_channel_is_asked_when_it_said(office: Office) -> None:
    office.replies = [Reply(b"", 429, {"Retry-After": "90"})]
    office.raise_(alert())
    assert office.deliver().failed == 1
    office.later(seconds=80)
    assert office.deliver().delivered == 0
    office.later(seconds=20)
    assert office.deliver().delivered == 1


def test_an_alert_commits_with_what_caused_it(office: Office) -> None:
    with pytest.raises(ZeroDivisionError), office.storage.transaction() as session:
        raise_alert(session, alert(), NOW)
        raise ZeroDivisionError
    assert office.deliver().plan.alerts == 0


def test_what_is_over_can_be_removed_and_what_waits_stays(office: Office) -> None:
    office.raise_(alert("old"))
    office.deliver()
    office.raise_(alert("waits"))
    gone = prune_alerts(office.storage, NOW + dt.timedelta(days=1))
    assert (gone["core_alerts"], gone["core_alert_deliveries"], gone["alert_history"]) == (1, 1, 1)
    assert office.storage.query("SELECT COUNT(*) FROM core_alerts").scalar == 1


@pytest.mark.chaos
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_ten_thousand_failures_of_eight_processes_are_few_messages_and_none_is_lost(
    database: str, request: pytest.FixtureRequest
) -> None:
    from tests.support.storage import open_upgraded

    if database == "postgres":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{request.getfixturevalue('tmp_path') / 'spine.db'}"
    each = 1250
    with open_upgraded(url) as storage, office_of(storage) as office:
        with ExitStack() as stack:
            raisers = [stack.enter_context(peer(raise_many, url, each)) for _ in range(8)]
            for one in raisers:
                assert one.says() == "ready"
            for one in raisers:
                one.go()
            for die in ("before", "between", ""):
                sender = stack.enter_context(peer(deliver_once, url, ROUTES, office.url, die))
                assert sender.says() == "ready"
                sender.go()
                sender.process.join(60)
            assert [one.says() for one in raisers] == ["done"] * 8
        last = deliver_until_quiet(storage, office.url)
        assert not last.failed
        handled = storage.query("SELECT COUNT(*) FROM core_alerts WHERE handled_at IS NOT NULL AND outcome IS NOT NULL")
        assert handled.scalar == 8 * each
        assert 1 <= len(office.heard) <= 10 + 1, "one more: sent, and killed before it was recorded"
        told = storage.query("SELECT COUNT(*) FROM core_alert_deliveries WHERE status <> 'SENT'")
        assert told.scalar == 0


def deliver_until_quiet(storage: Storage, url: str) -> Round:
    """Rounds of the real time until nothing is left to do."""
    import time

    from spine.pipelines.context import utc_now

    connections = GivenConnections(ConnectionDetails("hook", "http", host=url))
    while True:
        done = deliver(storage, config_of(ROUTES), connections, clock=utc_now)
        if not (done.busy or done.plan.alerts or done.delivered):
            return done
        time.sleep(0.05)
