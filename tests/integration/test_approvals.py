"""A person's answer, or nobody's, given through Airflow's own API while the run waits for it."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spine.core.tiers import Tier
from spine.quality.decisions import DecisionKind, decisions_of
from tests.support.dag_runs import DagRunEnd, DagsFolder, from_database
from tests.support.ledger import add_capture
from tests.support.storage import open_upgraded

pytestmark = [
    pytest.mark.integration,
    # Airflow's in-process API server imports starlette's test client.
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]
ECHO = "type: lambda, handler: tests.support.workflows.echo"
FLOW = f"""
    name: flow
    params: {{{{week: {{{{default: W1}}}}}}}}
    steps:
      - {{{{name: before, {ECHO}}}}}
      - {{{{name: release, type: approval, subject: "${{{{params.week}}}}", body: Look., {{options}}}}}}
      - {{{{name: after, {ECHO}, config: {{{{by: "${{{{default(outputs.release.by, 'nobody')}}}}"}}}}}}}}
      - {{{{name: last, {ECHO}, depends_on: [before, after]}}}}
    """


@pytest.fixture
def api(airflow_env: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Calls of Airflow's public API as a user: ``api(name, method, path, body)``."""
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", secrets.token_hex(64))
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    with TestClient(create_app(apps="core")) as client:

        def call(name: str, method: str, path: str, body: Any = None) -> Any:
            token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role="admin"))
            return client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})

        yield call


def run_while(
    answer: Callable[[str], object],
    folder: DagsFolder,
    monkeypatch: pytest.MonkeyPatch,
    options: str,
    before: str = ECHO,
) -> DagRunEnd:
    """Run the workflow; ``answer`` is given the run's id whenever it waits for a person."""
    real = time.sleep

    def wait(seconds: float) -> None:
        waiting = from_database(_waiting)
        if waiting:
            answer(waiting[0])
        else:
            real(min(seconds, 0.05))

    monkeypatch.setattr(time, "sleep", wait)
    return folder.run(FLOW.format(options=options).replace(f"name: before, {ECHO}", f"name: before, {before}"))


def _waiting(session: Any) -> list[str]:
    from airflow.models.taskinstance import TaskInstance

    found = session.query(TaskInstance).filter_by(state="awaiting_input", dag_id="flow")
    return [task.run_id for task in found]


def detail_path(run_id: str) -> str:
    return f"/api/v2/dags/flow/dagRuns/{run_id}/taskInstances/release/-1/hitlDetails"


def answering(api: Callable[..., Any], name: str, option: str) -> Callable[[str], object]:
    def answer(run_id: str) -> object:
        response = api(name, "PATCH", detail_path(run_id), {"chosen_options": [option], "params_input": {}})
        assert response.status_code == 200, response.text
        return response

    return answer


def sweep(run_id: str) -> None:
    """What the scheduler does every few seconds: end the wait of those whose timeout is over."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    SchedulerJobRunner(Job()).check_awaiting_input_timeouts()


def test_who_approved_is_in_the_receipt(
    api: Callable[..., Any], dags_folder: DagsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = run_while(answering(api, "ann", "Approve"), dags_folder, monkeypatch, "timeout: 1h")
    assert (end.state, end.receipts["after"]["by"]) == ("success", "ann")
    assert end.receipts["release"]["approved"] is True
    asked = api("ann", "GET", detail_path(end.run_id)).json()
    assert (asked["subject"], asked["body"], asked["options"]) == ("W1", "Look.", ["Approve", "Reject"])


def test_a_rejection_fails_the_run(
    api: Callable[..., Any], dags_folder: DagsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = run_while(answering(api, "ann", "Reject"), dags_folder, monkeypatch, "default: approve")
    assert (end.tasks["release"], end.tasks["after"], end.state) == ("failed", "upstream_failed", "failed")


def test_a_rejection_may_skip_what_follows(
    api: Callable[..., Any], dags_folder: DagsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = run_while(answering(api, "ann", "Reject"), dags_folder, monkeypatch, "on_reject: skip")
    assert end.tasks == {"before": "success", "release": "success", "after": "skipped", "last": "success"}
    assert (end.receipts["release"]["by"], end.state) == ("ann", "success")


def test_an_answer_about_a_capture_is_in_the_audit_trail(
    api: Callable[..., Any], dags_folder: DagsFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "domain.db"
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with open_upgraded(f"sqlite:///{path}") as storage:
        capture_id = add_capture(storage, Tier.T1, dt.date(2026, 4, 10))
        about = f'{ECHO}, config: {{capture_id: "{capture_id}"}}'
        end = run_while(answering(api, "ann", "Reject"), dags_folder, monkeypatch, "on_reject: skip", about)
        assert end.state == "success"
        [decided] = decisions_of(storage, capture_id)
    assert (decided.kind, decided.by, decided.reason) == (DecisionKind.REJECT_STEP, "ann", "W1")


def test_only_approvers_may_answer(
    api: Callable[..., Any], dags_folder: DagsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def answer(run_id: str) -> None:
        body = {"chosen_options": ["Approve"], "params_input": {}}
        refused.append(api("ann", "PATCH", detail_path(run_id), body).status_code)
        answering(api, "bob", "Approve")(run_id)

    end = run_while(answer, dags_folder, monkeypatch, "approvers: [bob]")
    assert (refused, end.receipts["release"]["by"]) == ([403], "bob")


@pytest.mark.parametrize(("default", "state"), [("approve", "success"), ("reject", "failed")])
def test_the_default_counts_when_nobody_answers(
    default: str, state: str, dags_folder: DagsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = run_while(sweep, dags_folder, monkeypatch, f"timeout: 0.1, default: {default}")
    assert end.state == state
    if state == "success":
        assert end.receipts["after"]["by"] == "its default"


def test_nobody_and_no_default_is_a_failure_that_says_so(
    dags_folder: DagsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = run_while(sweep, dags_folder, monkeypatch, "timeout: 0.1, on_error: continue")
    receipt = end.receipts["release"]
    assert (end.state, receipt["status"], receipt["error"]["category"]) == ("success", "failed_continue", "TIMEOUT")
    assert "nobody answered 'W1' within 0.1 s, and step 'release' has no default" in receipt["message"]
