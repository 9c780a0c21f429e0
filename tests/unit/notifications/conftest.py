"""Fixtures for what sends messages."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.webhook import Webhook, listening_webhook


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Webhook]]:
    """A Slack that listens; it keeps what it was sent."""
    with listening_webhook() as (handler, connection):
        monkeypatch.setenv("AIRFLOW_CONN_SPINE_SLACK", json.dumps(connection))
        yield handler
