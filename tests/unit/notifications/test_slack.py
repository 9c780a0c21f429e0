"""Messages reach a webhook that listens, and nobody listening is no error."""

from __future__ import annotations

import pytest

from spine.core.errors import DependencyError
from spine.notifications.slack import SlackMessages
from tests.support.webhook import Webhook


def test_a_message_reaches_the_channel(webhook: type[Webhook]) -> None:
    assert SlackMessages().send("the week is in", channel="#data-ops")
    assert webhook.bodies == [{"text": "the week is in"}]


def test_nobody_listening_is_told_and_is_no_error(monkeypatch: pytest.MonkeyPatch, airflow_env: object) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SPINE_SLACK", raising=False)
    assert not SlackMessages().send("the week is in", channel="#data-ops")


def test_a_refusal_does_not_show_the_webhook_secret(webhook: type[Webhook]) -> None:
    webhook.status = 500
    with pytest.raises(DependencyError) as caught:
        SlackMessages().send("the week is in", channel=None)
    assert "secret" not in str(caught.value)
