"""Alerts for tests, and the routes that they take."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from spine.alerts.config import AlertConfig, read_alert_config
from spine.alerts.messages import Message, message_of
from spine.alerts.model import Alert, AlertSeverity, AlertState
from spine.core.errors import ErrorCategory
from spine.documents.document import parse_document

NOW = dt.datetime(2026, 8, 3, 12, tzinfo=dt.UTC)


def config_of(text: str, environment: str = "test") -> AlertConfig:
    """Routes from YAML."""
    return read_alert_config(parse_document(Path("alerts.yaml"), text), environment)


def alert(title: str = "It broke", severity: AlertSeverity = AlertSeverity.ERROR, **fields: Any) -> Alert:
    values = {"message": "what was seen, and the way out", "source": "finra.weekly_refresh", **fields}
    return Alert(severity, title, **values)


def resolved(title: str = "It broke", severity: AlertSeverity = AlertSeverity.ERROR, **fields: Any) -> Alert:
    return alert(title, severity, state=AlertState.RESOLVED, **fields)


def message(
    severity: AlertSeverity = AlertSeverity.ERROR, count: int = 1, suppressed: int = 0, **fields: Any
) -> Message:
    """One as a channel is given it."""
    told = alert(
        severity=severity,
        **{
            "domain": "finra.otc_transparency", "tier": "T1", "week_ending": "2026-07-10", "workflow": "finra.weekly_refresh",
            "step": "ingest", "run_id": "manual__1", "run_url": "https://airflow.example.com/dags/x/runs/1",
            "category": ErrorCategory.SOURCE, "metadata": {"retryable": "false"}, **fields,
        },
    )  # fmt: skip
    return message_of(
        [(told, count)], dedup_key="0123456789abcdef", environment="production", first_at=NOW - dt.timedelta(minutes=5),
        last_at=NOW, suppressed=suppressed,
    )  # fmt: skip
