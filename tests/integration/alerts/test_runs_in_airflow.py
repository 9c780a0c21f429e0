"""Runs of generated DAGs tell by themselves: once, when no attempt is left, and nothing of secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spine.storage.base import Storage
from spine.timetables.publication import PublicationTimetable
from spine.workflows.dag_factory import build_dag
from spine.workflows.loader import load_workflow
from tests.support.dag_runs import DagsFolder, from_database
from tests.support.leaky import CANARIES
from tests.support.paths import ROOT
from tests.support.storage import open_upgraded
from tests.support.webhook import Webhook, listening_webhook
from tests.support.workflows import seen_contexts

pytestmark = pytest.mark.integration
ROUTES = """
channels:
  - {name: hook, kind: slack, conn_id: spine_slack}
routes:
  - {channels: hook}
inhibit:
  - {source: {cause: step_failed}, target: {cause: run_failed}, equal: [source, tier, week_ending]}
"""
FLAKY = """
    name: flow
    domain: test.flow
    params: {tier: {type: string, default: T1}}
    steps:
      - {name: work, type: pipeline, pipeline: test.flaky, on_error: retry, retry: {max_attempts: 2, initial_delay: 0.01}}
    """


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Webhook]]:
    with listening_webhook() as (handler, connection):
        monkeypatch.setenv("AIRFLOW_CONN_SPINE_SLACK", json.dumps({**connection, "password": "T0/B0/canary-webhook"}))
        yield handler


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slack: type[Webhook]) -> Iterator[Storage]:
    """The domain database of Airflow's tasks, and routes."""
    path = tmp_path / "domain.db"
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    leaky = {"conn_type": "http", "host": "h.example", "password": CANARIES[0], "extra": {"api_key": CANARIES[1]}}
    monkeypatch.setenv("AIRFLOW_CONN_LEAKY", json.dumps(leaky))
    (tmp_path / "alerts.yaml").write_text(ROUTES)
    with open_upgraded(f"sqlite:///{path}") as storage:
        yield storage


def told(slack: type[Webhook]) -> list[str]:
    return [body["text"] for body in slack.bodies]


def test_a_retry_that_will_come_is_not_told_the_last_failure_is_once(
    dags_folder: DagsFolder, storage: Storage, slack: type[Webhook]
) -> None:
    with seen_contexts(failures=1):
        assert dags_folder.run(FLAKY).state == "success"
    assert told(slack) == []
    with seen_contexts(failures=2):
        assert dags_folder.run(FLAKY).state == "failed"
    assert told(slack) == ["[ERROR] flow: step work failed"]
    assert sorted(storage.query("SELECT cause, outcome FROM core_alerts").rows) == [
        ("run_failed", "inhibited"), ("step_failed", "told"),
    ]  # fmt: skip
    with seen_contexts():
        assert dags_folder.run(FLAKY).state == "success"
    assert told(slack)[1:] == ["[RESOLVED] flow: step work failed"]


def test_a_step_passed_over_is_told_and_fails_nothing(
    dags_folder: DagsFolder, storage: Storage, slack: type[Webhook]
) -> None:
    text = "name: flow\nsteps: [{name: load, type: pipeline, pipeline: test.fail, on_error: continue}]"
    assert dags_folder.run(text).state == "success"
    assert told(slack) == ["[WARNING] flow: step load failed and was passed over"]


def test_messages_of_a_workflow_are_each_told_where_it_names_a_channel(
    dags_folder: DagsFolder, storage: Storage, slack: type[Webhook]
) -> None:
    text = """
        name: flow
        steps:
          - {name: one, type: notify, message: first, channel: "#hook"}
          - {name: two, type: notify, message: second, channel: "#hook"}
        """
    ended = dags_folder.run(text)
    assert (ended.state, ended.receipts["one"]["sent"]) == ("success", True)
    assert [body["attachments"][0]["text"] for body in slack.bodies] == ["first", "second"]  # type: ignore[index]


def test_no_secret_is_in_logs_receipts_tables_or_messages(
    dags_folder: DagsFolder,
    storage: Storage,
    slack: type[Webhook],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    leak = "type: lambda, handler: tests.support.leaky.leak"
    text = f"""
        name: flow
        steps:
          - {{name: one, {leak}, config: {{as: error}}, on_error: continue}}
          - {{name: two, {leak}, config: {{as: cause}}, on_error: continue}}
          - {{name: three, {leak}, config: {{as: ours}}}}
        """
    slack.status = 500  # so that the channel's own failure, whose URL is a secret, is recorded as well
    ended = dags_folder.run(text)
    slack.status = 200
    with seen_contexts(failures=2):
        dags_folder.run(FLAKY, name="flow")
    assert ended.tasks == {"one": "success", "two": "success", "three": "failed"}
    assert len(slack.bodies) >= 3
    seen = [json.dumps(ended.receipts), *capfd.readouterr(), caplog.text, json.dumps(slack.bodies)]
    seen += [str(storage.query(f"SELECT * FROM {table}").rows) for table in storage.tables()]
    seen.append(from_database(_every_row_of_airflow))
    assert "login ***" in json.dumps(slack.bodies), "the error was told"
    for canary in (*CANARIES, "canary-webhook"):
        assert not any(canary in text for text in seen), canary


def _every_row_of_airflow(session: Any) -> str:
    import sqlalchemy as sa

    known = sa.MetaData()
    known.reflect(session.get_bind())
    assert {"rendered_task_instance_fields", "xcom", "log"} <= known.tables.keys()
    return "".join(str(session.execute(sa.select(table)).all()) for table in known.tables.values())


def test_a_publication_has_a_deadline_that_airflow_keeps() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    workflow = load_workflow(ROOT / "include/workflows/finra_weekly_refresh.yaml", ("spine",))
    for schedule in workflow.schedules:
        known = DagSerialization.to_dict(build_dag(workflow, schedule))["dag"].get("deadline")
        assert bool(known) is (schedule.publication is not None)
        if known:
            assert isinstance(build_dag(workflow, schedule).timetable, PublicationTimetable)
            assert "spine.notifications.deadlines.week_is_late" in json.dumps(known)
            assert str(12 * 3600) in json.dumps(known)
