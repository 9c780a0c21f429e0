"""Fixtures for what sends messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from spine.storage.base import Storage
from tests.support.storage import open_upgraded
from tests.support.webhook import Webhook, listening_webhook

ROUTES = """
channels:
  - {name: hook, kind: slack, conn_id: spine_slack}
routes:
  - {match: {severity: [WARNING, ERROR, CRITICAL]}, channels: hook}
inhibit:
  - {source: {cause: step_failed}, target: {cause: run_failed}, equal: [source, tier, week_ending]}
  - {source: {cause: source_late}, target: {cause: [week_late, run_failed, step_failed]}}
"""


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Webhook]]:
    """A Slack that listens; it keeps what it was sent."""
    with listening_webhook() as (handler, connection):
        monkeypatch.setenv("AIRFLOW_CONN_SPINE_SLACK", json.dumps(connection))
        yield handler


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, webhook: type[Webhook]) -> Iterator[Storage]:
    """The domain database of callbacks, and routes that lead to the webhook."""
    include = tmp_path / "include"
    include.mkdir()
    (include / "alerts.yaml").write_text(ROUTES)
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", str(include))
    path = tmp_path / "domain.db"
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with open_upgraded(f"sqlite:///{path}") as storage:
        yield storage
