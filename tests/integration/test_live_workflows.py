"""What only a running Airflow shows of a workflow: its triggerer waits, its API answers, its dag-processor tells."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from spine.core.tiers import Tier
from spine.core.weeks import newest_published
from tests.support.standalone import FINRA_SECRET, Airflow, Deployment
from tests.support.webhook import WEBHOOK_PASSWORD

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
DAG_ID = "live.steps"


def start(airflow: Airflow) -> str:
    answer = airflow.trigger(DAG_ID, {"week_ending": "2026-10-30"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["dag_run_id"])


def answer_when_asked(airflow: Airflow, run_id: str, option: str) -> None:
    path = f"/api/v2/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/release/-1/hitlDetails"
    try:
        airflow.until(lambda: airflow.call("GET", path).status_code, lambda status: status == 200)
    except AssertionError as error:
        error.add_note(str(airflow.states(DAG_ID, run_id)))
        raise
    time.sleep(
        2
    )  # an answer before the scheduler knows that the task is parked counts as a lost task, and it asks again
    body = {"chosen_options": [option], "params_input": {}}
    assert airflow.call("PATCH", path, json=body).status_code == 200


def told_of(standalone: Deployment, run_id: str) -> list[str]:
    """The headlines of what Slack was sent about a run."""
    bodies: list[dict[str, Any]] = list(standalone.slack.bodies)
    fields = {each["text"]: [field["value"] for field in each["attachments"][0]["fields"]] for each in bodies}
    return [text for text, values in fields.items() if run_id in values]


def receipts(airflow: Airflow, run_id: str) -> Callable[[str], dict[str, Any]]:
    def receipt(task_id: str) -> dict[str, Any]:
        path = f"/api/v2/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        value: dict[str, Any] = airflow.call("GET", path).json()["value"]
        return value

    return receipt


def test_a_run_waits_asks_maps_updates_and_tells(standalone: Deployment) -> None:
    airflow = standalone.airflow
    run_id = start(airflow)
    answer_when_asked(airflow, run_id, "Approve")
    run = airflow.finished(DAG_ID, run_id)
    assert run["state"] == "success", run
    receipt = receipts(airflow, run_id)
    assert receipt("settle")["seconds"] >= 3
    assert receipt("release")["by"] == "admin"
    assert [each["item"] for each in receipt("tiers.result")["results"]] == ["T1", "T2"]
    assert [each["steps"]["tell"]["text"] for each in receipt("found.result")["results"]] == ["a", "b", "c"]
    events = airflow.call("GET", "/api/v2/assets/events", params={"source_run_id": run_id}).json()["asset_events"]
    assert [(event["name"], event["partition_key"]) for event in events] == [("live.steps", "2026-10-30")]
    airflow.until(lambda: told_of(standalone, run_id), lambda texts: f"[INFO] {DAG_ID} succeeded" in texts)


def test_a_rejected_run_fails_and_tells(standalone: Deployment) -> None:
    airflow = standalone.airflow
    run_id = start(airflow)
    answer_when_asked(airflow, run_id, "Reject")
    run = airflow.finished(DAG_ID, run_id)
    assert (run["state"], run["tasks"]["release"], run["tasks"]["done"]) == ("failed", "failed", "upstream_failed")
    airflow.until(lambda: told_of(standalone, run_id), lambda texts: texts == [f"[ERROR] {DAG_ID} failed"])
    about_run = "SELECT cause FROM core_alerts WHERE execution_id = :run_id ORDER BY cause"
    assert standalone.storage.query(about_run, {"run_id": run_id}).rows == [("run_failed",), ("step_failed",)]


def test_a_week_that_is_late_because_of_us_is_told(standalone: Deployment) -> None:
    """Airflow's scheduler sees the deadline pass, and a worker asks FINRA who is late."""
    airflow, storage = standalone.airflow, standalone.storage
    told = "SELECT cause, severity, tier, week_ending FROM core_alerts WHERE source = 'live.late'"
    airflow.unpause("live_late")
    try:
        found = airflow.until(lambda: storage.query(told).rows, bool)
    finally:
        airflow.pause("live_late")
    newest = newest_published(Tier.OTCE, standalone.finra.clock.now())
    assert found == [("week_late", "ERROR", "OTCE", str(newest))]


def test_a_gate_leads_from_its_task_to_what_it_said(standalone: Deployment) -> None:
    airflow, week = standalone.airflow, newest_published(Tier.T2, standalone.finra.clock.now()) - dt.timedelta(weeks=4)
    conf = {"tier": "T2", "source": "api", "week_ending": week.isoformat(), "force": True}
    run = airflow.finished("finra.weekly_refresh", airflow.trigger("finra.weekly_refresh", conf).json()["dag_run_id"])
    task = f"/api/v2/dags/finra.weekly_refresh/dagRuns/{run['dag_run_id']}/taskInstances/validate_week"
    [link] = airflow.call("GET", f"{task}/links").json()["extra_links"].values()
    page = airflow.call("GET", link)
    assert page.status_code == 200 and "shares_sum_to_one" in page.text, link
    [its_own] = re.findall(r'href="(gates/page[^"]*)"', page.text)
    assert "shares_sum_to_one" in airflow.call("GET", f"/spine/{its_own.replace('&amp;', '&')}").text


def test_quality_is_assessed_by_a_dag_and_shown(standalone: Deployment) -> None:
    airflow = standalone.airflow
    run = airflow.finished("spine_quality", airflow.trigger("spine_quality", {}).json()["dag_run_id"])
    assert run["state"] == "success", run
    path = f"/api/v2/dags/spine_quality/dagRuns/{run['dag_run_id']}/taskInstances/assess/xcomEntries/return_value"
    told = airflow.call("GET", path).json()["value"]
    shown = airflow.call("GET", "/spine/api/v1/quality/scores?limit=1000").json()["scores"]
    assert (
        sum(sum(each["weeks"].values()) for each in told.values())
        == len([each for each in shown if each["assessed_at"]])
        > 0
    )
    assert "grade-" in airflow.call("GET", "/spine/quality").text


def test_no_secret_of_a_connection_is_anywhere_on_the_disk(standalone: Deployment) -> None:
    """Logs of every component and task, Airflow's database with XComs and rendered fields, the domain database."""
    airflow = standalone.airflow
    for conf in (
        {"tier": "T1", "source": "api", "force": True},
        {"tier": "T1", "source": "api", "week_ending": "2010-01-01"},
    ):
        airflow.finished("finra.weekly_refresh", airflow.trigger("finra.weekly_refresh", conf).json()["dag_run_id"])
    assert standalone.finra.journal.entries, "the secret was used"
    files = [path for path in airflow.log.parent.parent.rglob("*") if path.is_file()]
    assert {"standalone.log", "airflow.db", "spine.db", "attempt=1.log"} <= {path.name for path in files}
    for secret in (FINRA_SECRET, WEBHOOK_PASSWORD):
        found = [path for path in files if secret.encode() in path.read_bytes()]
        assert found == [], secret
