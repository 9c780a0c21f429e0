"""Every channel against a server that behaves as the service does: what arrives, what is tried again, what is given up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from spine.alerts.channel import Channel, ChannelSettings, open_channel
from spine.alerts.channels.webhook import SIGNATURE, signature
from spine.alerts.model import AlertSeverity, AlertState
from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    DependencyError,
    PermissionDenied,
    RateLimitError,
    SpineError,
    TransientError,
)
from spine.pipelines.connections import ConnectionDetails
from tests.support.alerts import message
from tests.support.connections import GivenConnections
from tests.support.http_server import Asked, Reply, serving
from tests.support.services import PagerDuty, ServiceNow, SlackApi, mail_server

SECRET = "T000-B000-canary-secret"


def channel(kind: str, details: ConnectionDetails, **options: object) -> Channel:
    return open_channel(ChannelSettings("tested", kind, details.conn_id, options), GivenConnections(details))


def slack_at(url: str) -> Channel:
    return channel("slack", ConnectionDetails("spine_slack", "slackwebhook", host=f"{url}/services", password=SECRET))


def answering(*replies: Reply) -> Callable[[Asked], Reply]:
    left = list(replies)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


def test_slack_is_sent_text_and_attachment_at_its_secret_path() -> None:
    with serving(answering(Reply(b"ok"))) as server:
        slack_at(server.url).send(message())
    [asked] = server.asked
    body = json.loads(asked.body)
    assert asked.path == f"/services/{SECRET}"
    assert body["text"] == "[ERROR] It broke"
    assert body["attachments"][0]["color"] == "#fd7e14"


@pytest.mark.parametrize(
    ("reply", "kind", "retryable"),
    [
        (Reply(b"invalid_payload", 400), ConfigurationError, False),
        (Reply(b"channel_not_found", 404), ConfigurationError, False),
        (Reply(b"invalid_token", 403), PermissionDenied, False),
        (Reply(b"rate_limited", 429, {"Retry-After": "7"}), RateLimitError, True),
        (Reply(b"<html>bad gateway</html>", 502), TransientError, True),
        (Reply(b"", 503), TransientError, True),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else "",
)
def test_what_an_answer_means(reply: Reply, kind: type[SpineError], retryable: bool) -> None:
    with serving(answering(reply)) as server, pytest.raises(kind) as caught:
        slack_at(server.url).send(message())
    assert caught.value.retryable is retryable
    assert caught.value.retry_after == (7 if reply.status == 429 else None)
    assert SECRET not in str(caught.value) and SECRET not in repr(caught.value.__cause__)
    assert "connection spine_slack" in caught.value.message


def test_a_service_that_is_not_there_or_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(Reply(b"ok"))) as server:
        url = server.url
    with pytest.raises(DependencyError, match="cannot be reached") as caught:
        slack_at(url).send(message())
    assert SECRET not in str(caught.value)
    from threading import Event

    hang = Event()

    def slow(asked: Asked) -> Reply:
        hang.wait(5)
        return Reply(b"ok")

    from spine.alerts.channels.http import call

    with serving(slow) as server:
        with pytest.raises(DeadlineExceeded, match=r"did not answer within 0\.1 s"):
            call("POST", server.url, "Slack", body={}, timeout=0.1)
        hang.set()


def test_slack_api_changes_its_first_message_when_the_alert_ends() -> None:
    slack = SlackApi()
    with serving(slack) as server:
        details = ConnectionDetails("spine_slack_api", "slack", host=server.url, password=slack.token)
        tested = channel("slack_api", details, channel="#data-ops")
        reference = tested.send(message()).reference
        [first] = slack.messages
        tested.send(message(state=AlertState.RESOLVED), reference)
    assert slack.messages[first]["attachments"][0]["fallback"].startswith("[RESOLVED]")
    below = [each for ts, each in slack.messages.items() if ts != first]
    assert [each["thread_ts"] for each in below] == [first]


@pytest.mark.parametrize(
    ("error", "headers", "kind"),
    [
        ("channel_not_found", {}, ConfigurationError),
        ("invalid_auth", {}, PermissionDenied),
        ("internal_error", {}, TransientError),
        ("ratelimited", {"Retry-After": "3"}, RateLimitError),
    ],
)
def test_slack_api_says_no_with_200(error: str, headers: dict[str, str], kind: type[SpineError]) -> None:
    slack = SlackApi(errors=[(error, headers)])
    with serving(slack) as server, pytest.raises(kind) as caught:
        details = ConnectionDetails("spine_slack_api", "slack", host=server.url, password=slack.token)
        channel("slack_api", details, channel="#data-ops").send(message())
    assert slack.token not in str(caught.value)


def test_pagerduty_has_one_incident_for_a_group_and_resolves_it() -> None:
    pagerduty = PagerDuty()
    with serving(pagerduty) as server:
        tested = channel(
            "pagerduty", ConnectionDetails("spine_pagerduty", "pagerduty_events", host=server.url, password="K")
        )
        for _ in range(2):
            tested.send(message(AlertSeverity.CRITICAL))
        assert pagerduty.incidents == {"0123456789abcdef": "trigger"}
        tested.send(message(state=AlertState.RESOLVED))
    assert pagerduty.incidents == {"0123456789abcdef": "resolve"}


def test_pagerduty_refuses_and_is_busy() -> None:
    pagerduty = PagerDuty(replies=[Reply(b'{"status": "invalid event"}', 400), Reply(b"", 429)])
    with serving(pagerduty) as server:
        details = ConnectionDetails("spine_pagerduty", "pagerduty_events", host=server.url, password=SECRET)
        tested = channel("pagerduty", details)
        with pytest.raises(ConfigurationError):
            tested.send(message())
        with pytest.raises(RateLimitError) as caught:
            tested.send(message())
    assert caught.value.retry_after == 60 and SECRET not in str(caught.value)


def test_servicenow_has_one_incident_for_a_group_however_often_it_is_sent() -> None:
    service = ServiceNow()
    with serving(service) as server:
        details = ConnectionDetails(
            "spine_servicenow", "http", host=server.url, login=service.login, password=service.password
        )
        tested = channel("servicenow", details, assignment_group="data-ops")
        created = tested.send(message(AlertSeverity.CRITICAL))
        assert tested.send(message(AlertSeverity.CRITICAL)).response == "updated"
        [incident] = service.incidents.values()
        assert (created.reference, incident["impact"], incident["assignment_group"]) == ("INC0000001", "1", "data-ops")
        assert tested.send(message(state=AlertState.RESOLVED)).response == "resolved"
        assert incident["state"] == "6" and incident["close_notes"]
        assert tested.send(message(state=AlertState.RESOLVED)).response == "no open incident"
        assert tested.send(message()).reference == "INC0000002", "an incident that ended is not opened again"


def test_servicenow_refuses_the_login() -> None:
    service = ServiceNow()
    with serving(service) as server, pytest.raises(PermissionDenied) as caught:
        details = ConnectionDetails("spine_servicenow", "http", host=server.url, login="spine", password=SECRET)
        channel("servicenow", details).send(message())
    assert SECRET not in str(caught.value)


def test_a_webhook_can_tell_who_sent_it() -> None:
    with serving(answering(Reply(b"", 204))) as server:
        details = ConnectionDetails("spine_webhook", "http", host=server.url, password=SECRET)
        channel("webhook", details, path="/hooks/spine").send(message())
    [asked] = server.asked
    body = json.loads(asked.body)
    assert (asked.path, body["version"], body["severity"]) == ("/hooks/spine", 1, "ERROR")
    assert asked.headers[SIGNATURE.lower()] == signature(asked.body, SECRET)
    assert SECRET not in asked.body.decode()


def test_mail_has_text_and_html_and_one_thread_for_a_group(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        options = {"to": ["ops@example.com", "lead@example.com"], "from": "spine@example.com"}
        told = channel("email", server.connection(), **options).send(
            message(title="Volumen fällt\r\nBcc: x@example.com")
        )
    [mail] = server.mails
    assert told.response == "2 of 2 recipients"
    assert mail["Subject"] == "[ERROR] Volumen fällt Bcc: x@example.com" and mail["Bcc"] is None
    assert mail["To"] == "ops@example.com, lead@example.com"
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert mail["References"] == "<0123456789abcdef@spine>"


def test_mail_that_is_not_taken(tmp_path: Path) -> None:
    options = {"to": "ops@example.com", "from": "spine@example.com"}
    with mail_server(tmp_path) as server:
        with pytest.raises(PermissionDenied, match="does not accept the login") as caught:
            channel("email", server.connection(password=SECRET), **options).send(message())
        assert SECRET not in str(caught.value)
        server.refuse = "451 try later"
        with pytest.raises(TransientError, match="451"):
            channel("email", server.connection(), **options).send(message())
        server.refuse = "554 no"
        with pytest.raises(ConfigurationError, match="554"):
            channel("email", server.connection(), **options).send(message())
        gone = server.connection()
    with pytest.raises(DependencyError, match="cannot be reached"):
        channel("email", gone, **options).send(message())


@pytest.mark.parametrize(
    ("kind", "details", "words"),
    [
        ("slack", ConnectionDetails("c", "slackwebhook"), "no webhook token"),
        ("slack_api", ConnectionDetails("c", "slack", password="t"), "needs the option 'channel'"),
        ("pagerduty", ConnectionDetails("c", "pagerduty_events"), "no integration key"),
        ("servicenow", ConnectionDetails("c", "http"), "has no host"),
        ("email", ConnectionDetails("c", "smtp", host="localhost"), "needs the options 'to' and 'from'"),
        ("sleck", ConnectionDetails("c", "http"), "no kind 'sleck'; did you mean 'slack'"),
    ],
)
def test_a_channel_that_is_not_set_up_says_what_it_lacks(kind: str, details: ConnectionDetails, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        channel(kind, details)
