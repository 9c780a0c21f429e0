"""One message, one renderer for each service: golden files, limits, and text that means harm."""

from __future__ import annotations

import json
from typing import Any

import pytest

from spine.alerts.channels import mail, pagerduty, servicenow, slack, webhook
from spine.alerts.channels.words import plain_text
from spine.alerts.messages import Message
from spine.alerts.model import AlertSeverity, AlertState
from tests.support.alerts import message
from tests.support.golden import assert_golden

CASES: dict[str, Message] = {
    "critical": message(AlertSeverity.CRITICAL),
    "error": message(),
    "warning": message(AlertSeverity.WARNING),
    "info": message(AlertSeverity.INFO),
    "resolved": message(state=AlertState.RESOLVED),
    "thousand": message(count=1000, suppressed=9000),
    "hostile": message(
        title="<script>alert(1)</script>\r\nBcc: all@example.com", message="<!channel> & <http://evil|x> \u202e"
    ),
    "unicode": message(title="Volumen fällt", message="Zürich 東京 🚨"),
}


def renders(given: Message) -> dict[str, str]:
    subject, text, page = mail.render(given)

    def as_json(value: Any) -> str:
        return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    return {
        "slack.json": as_json(slack.render(given)),
        "pagerduty.json": as_json(pagerduty.render(given, "KEY")),
        "servicenow.json": as_json(servicenow.render(given, {"assignment_group": "data"})),
        "webhook.json": as_json(webhook.render(given)),
        "mail.txt": f"{subject}\n\n{text}\n",
        "mail.html": f"{page}\n",
        "console.txt": f"{plain_text(given)}\n",
    }


@pytest.mark.parametrize("case", CASES)
def test_messages_look_as_they_did(case: str) -> None:
    for name, text in renders(CASES[case]).items():
        channel, _, form = name.partition(".")
        assert_golden(f"alerts/{channel}/{case}.{form}", text)


def test_nothing_is_longer_than_a_service_takes() -> None:
    long = message(title="t" * 5000, message="m" * 100_000)
    assert len(pagerduty.render(long, "KEY")["payload"]["summary"]) == 1024
    assert len(servicenow.render(long, {})["short_description"]) == 160
    assert len(slack.render(long)["attachments"][0]["text"]) <= 3000
    assert len(mail.render(long)[0]) <= 200


def test_hostile_text_stays_text() -> None:
    shown = renders(CASES["hostile"])
    assert "<script>" not in shown["mail.html"] and "&lt;script&gt;" in shown["mail.html"]
    assert "<!channel>" not in shown["slack.json"] and "&lt;!channel&gt;" in shown["slack.json"]
    assert "\n" not in mail.render(CASES["hostile"])[0] and "\r" not in mail.render(CASES["hostile"])[0]
    link = message(run_url="javascript:alert(1)")
    assert "javascript:" not in mail.render(link)[2]
