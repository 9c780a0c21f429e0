"""How a run ended is told to whoever the workflow names, from no more than what Airflow hands a callback."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from spine.notifications.run_alerts import Ending, TellChannels
from tests.support.webhook import Webhook

DAG = SimpleNamespace(dag_id="finra.weekly_refresh")
FULL = {
    "dag": DAG,
    "dag_run": SimpleNamespace(run_id="manual__1"),
    "reason": "task_failure",
    "ti": SimpleNamespace(task_id="normalize"),
}


def test_a_failed_run_is_told_with_what_is_known_of_it(webhook: type[Webhook]) -> None:
    TellChannels(("#a", "#b"), Ending.FAILURE)(FULL)
    assert webhook.bodies == [
        {"text": "finra.weekly_refresh manual__1 failed\n- reason: task_failure\n- last task: normalize"}
    ]


def test_airflow_may_know_next_to_nothing(webhook: type[Webhook]) -> None:
    TellChannels(("#a",), Ending.FAILURE)({"dag": DAG, "run_id": "r", "reason": None})
    assert webhook.bodies == [{"text": "finra.weekly_refresh r failed"}]


def test_a_good_run_is_one_line(webhook: type[Webhook]) -> None:
    TellChannels(("#a",), Ending.SUCCESS)(FULL)
    assert webhook.bodies == [{"text": "finra.weekly_refresh manual__1 succeeded"}]


def test_a_channel_that_does_not_listen_is_logged(webhook: type[Webhook], caplog: pytest.LogCaptureFixture) -> None:
    webhook.status = 500
    with caplog.at_level(logging.WARNING):
        TellChannels(("#a",), Ending.SUCCESS)(FULL)
    assert "#a: not told, [DEPENDENCY] Slack" in caplog.text
    assert "secret" not in caplog.text
