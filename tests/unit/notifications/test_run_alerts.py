"""How runs and steps that end are told, from no more than what Airflow hands a callback."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spine.core.errors import DeadlineExceeded, PartialFailure, SourceError
from spine.core.tiers import Tier
from spine.notifications.deadlines import late_alert
from spine.notifications.outbox import tell_from_airflow
from spine.notifications.run_alerts import Ending, TellRunEnd, TellStepFailure, passed_over
from spine.notifications.spine import SpineNotifier
from spine.quality.gate import GateClosed
from spine.storage.base import Storage
from spine.timetables.publication import PublicationTimetable, data_interval
from tests.support.webhook import Webhook
from tests.support.workflows import workflow_of

DAG = SimpleNamespace(dag_id="finra_otc_t1_publication")
FULL: dict[str, Any] = {
    "dag": DAG,
    "dag_run": SimpleNamespace(run_id="manual__1"),
    "params": {"tier": "NMS_TIER_1", "week_ending": "2026-07-10"},
    "reason": "task_failure",
    "ti": SimpleNamespace(task_id="normalize"),
}
FAILED = TellRunEnd("finra.weekly_refresh", "finra.otc_transparency", Ending.FAILURE)
GOOD = TellRunEnd("finra.weekly_refresh", "finra.otc_transparency", Ending.SUCCESS)
WEEK = dt.date(2026, 7, 10)


def raised(storage: Storage, columns: str = "cause, state, severity") -> list[tuple[Any, ...]]:
    return list(storage.query(f"SELECT {columns} FROM core_alerts ORDER BY raised_at").rows)


def told(webhook: type[Webhook]) -> list[str]:
    return [body["text"] for body in webhook.bodies]


def step_context(error: BaseException, folder: Path) -> dict[str, Any]:
    flow = workflow_of(folder, "name: flow\ndomain: d.x\nsteps: [{name: load, type: pipeline, pipeline: test.ok}]")
    task = SimpleNamespace(workflow=flow, step=flow.step("load"), task_id="tiers.T1.load")
    return {**FULL, "ti": SimpleNamespace(task=task, task_id=task.task_id), "exception": error}


def test_a_failed_run_is_one_alert_about_its_week_and_the_next_good_one_ends_it(
    outbox: Storage, webhook: type[Webhook]
) -> None:
    FAILED(FULL)
    GOOD({**FULL, "params": {"tier": "T2", "week_ending": "2026-07-10"}})
    assert told(webhook) == ["[ERROR] finra.weekly_refresh failed"]
    GOOD({**FULL, "dag": SimpleNamespace(dag_id="another_schedule"), "dag_run": SimpleNamespace(run_id="later")})
    assert told(webhook)[1:] == ["[RESOLVED] finra.weekly_refresh failed"]
    known = raised(outbox, "source, domain, tier, week_ending, workflow, execution_id, state")
    assert [(*row[:3], str(row[3]), *row[4:]) for row in known] == [
        ("finra.weekly_refresh", "finra.otc_transparency", "T1", "2026-07-10", "finra.weekly_refresh", run, state)
        for run, state in (("manual__1", "FIRING"), ("later", "RESOLVED"))
    ]


def test_a_good_run_costs_nobody_attention_unless_the_workflow_says_so(outbox: Storage, webhook: type[Webhook]) -> None:
    GOOD(FULL)
    assert raised(outbox) == []
    TellRunEnd("flow", "", Ending.SUCCESS, ("#hook", "#nobody"))(FULL)
    assert told(webhook) == ["[INFO] flow succeeded"]


def test_airflow_may_know_next_to_nothing(outbox: Storage, webhook: type[Webhook]) -> None:
    FAILED({"dag": DAG, "run_id": "r", "reason": None})
    assert raised(outbox, "tier, execution_id, cause") == [("", "r", "run_failed")]


def test_a_run_of_a_publication_is_about_the_week_it_was_given(outbox: Storage, webhook: type[Webhook]) -> None:
    dag = SimpleNamespace(dag_id="d", timetable=PublicationTimetable("T1"))
    FAILED({"dag": dag, "dag_run": SimpleNamespace(run_id="r"), "params": {"tier": "T1", "week_ending": None},
            "data_interval_start": data_interval(WEEK).start})  # fmt: skip
    assert str(raised(outbox, "week_ending")[0][0]) == "2026-07-10"


def test_a_step_that_failed_says_more_than_its_run_so_one_of_them_is_told(
    outbox: Storage, webhook: type[Webhook], tmp_path: Path
) -> None:
    TellStepFailure()(step_context(SourceError("no file", context={"path": "a.psv"}), tmp_path))
    TellRunEnd("flow", "d.x", Ending.FAILURE)(FULL)
    assert told(webhook) == ["[ERROR] flow: step tiers.T1.load failed"]
    assert raised(outbox, "cause, outcome") == [("step_failed", "told"), ("run_failed", "inhibited")]
    [body] = webhook.bodies
    fields = {each["title"]: each["value"] for each in body["attachments"][0]["fields"]}  # type: ignore[index]
    assert (fields["Category"], fields["Path"], fields["Week"]) == ("SOURCE", "a.psv", "2026-07-10")
    TellRunEnd("flow", "d.x", Ending.SUCCESS)(FULL)
    assert told(webhook)[1:] == ["[RESOLVED] flow: step tiers.T1.load failed"]


@pytest.mark.parametrize(
    "error", [GateClosed("held"), PartialFailure("one of three items failed")], ids=lambda e: type(e).__name__
)
def test_what_was_told_where_it_happened_is_not_told_again(outbox: Storage, error: Exception, tmp_path: Path) -> None:
    TellStepFailure()(step_context(error, tmp_path))
    assert raised(outbox) == []


def test_a_step_passed_over_is_a_warning_that_the_same_run_does_not_end_but_the_next_does(
    outbox: Storage, webhook: type[Webhook], tmp_path: Path
) -> None:
    context = step_context(SourceError("no file"), tmp_path)
    passed_over(context["ti"].task, context["exception"], context, FULL["params"])
    good = TellRunEnd("flow", "d.x", Ending.SUCCESS)
    good(FULL)
    assert raised(outbox) == [("step_passed_over", "FIRING", "WARNING")]
    good({**FULL, "dag_run": SimpleNamespace(run_id="next")})
    assert raised(outbox)[1:] == [("step_passed_over", "RESOLVED", "WARNING")]


def test_a_week_that_finra_does_not_have_is_finras_and_mutes_what_follows(
    outbox: Storage, webhook: type[Webhook], tmp_path: Path
) -> None:
    late = DeadlineExceeded("FINRA did not have it").with_context(state="late_at_source")
    TellStepFailure()(step_context(late, tmp_path))
    TellRunEnd("flow", "d.x", Ending.FAILURE)(FULL)
    assert raised(outbox, "cause, severity, outcome") == [
        ("source_late", "WARNING", "told"), ("run_failed", "ERROR", "inhibited"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("at_finra", "cause", "severity", "says"),
    [
        (True, "week_late", "ERROR", "FINRA has it"),
        (False, "source_late", "WARNING", "not at FINRA yet"),
        (None, "week_late", "ERROR", "could not be asked"),
    ],
)
def test_a_deadline_tells_whose_the_delay_is(at_finra: bool | None, cause: str, severity: str, says: str) -> None:
    run = {"dag_id": "d", "dag_run_id": "scheduled__1", "state": "running"}
    alert = late_alert(run, Tier.parse("T1"), data_interval(WEEK).start, "flow", "d.x", at_finra)
    assert (alert.cause, str(alert.severity), alert.tier, alert.week_ending) == (cause, severity, "T1", "2026-07-10")
    assert says in alert.message


def test_without_its_database_it_is_told_at_once(
    outbox: Storage, webhook: type[Webhook], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere = {"conn_type": "sqlite", "host": str(tmp_path / "missing" / "x.db")}
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps(nowhere))
    FAILED(FULL)
    assert told(webhook) == ["[ERROR] finra.weekly_refresh failed"]
    GOOD(FULL)  # and what cannot be read ends nothing, and fails nothing


def test_a_channel_that_is_down_is_waited_for_and_fails_nothing(outbox: Storage, webhook: type[Webhook]) -> None:
    webhook.status = 500
    FAILED(FULL)
    assert raised(outbox, "outcome") == [("told",)]
    assert outbox.query("SELECT status, attempt FROM core_alert_deliveries").rows == [("PENDING", 1)]


def test_a_broken_alerts_file_fails_nothing(outbox: Storage, tmp_path: Path) -> None:
    (tmp_path / "include" / "alerts.yaml").write_text("channels: 3")
    FAILED(FULL)
    assert raised(outbox) == [("run_failed", "FIRING", "ERROR")]


def test_the_notifier_of_any_dag_goes_the_same_way(outbox: Storage, webhook: type[Webhook]) -> None:
    from airflow.sdk import DAG as RealDag

    with RealDag("mine", schedule=None) as dag:
        pass
    context = {
        "dag": dag,
        "run_id": "r7",
        "dag_run": SimpleNamespace(run_id="r7"),
        "params": {"how": "critical", "tier": "OTC"},
    }
    notifier = SpineNotifier(
        "{{ dag.dag_id }}\n is unhappy", "in {{ run_id }}", severity="{{ params.how }}", tier="{{ params.tier }}",
        domain="d.x", cause="mood", channels=["hook"],
    )  # fmt: skip
    notifier(context)
    assert told(webhook) == ["[CRITICAL] mine is unhappy"]
    assert raised(outbox, "source, cause, tier, domain, execution_id, message") == [
        ("mine", "mood", "OTCE", "d.x", "r7", "in r7"),
    ]  # fmt: skip


def test_a_secret_in_an_error_is_in_no_alert_and_no_message(
    outbox: Storage,
    webhook: type[Webhook],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = (
        "POST https://u:canary-userinfo@h.example/x?k=canary-query failed, password=canary-named, Bearer canary-bearer1"
    )
    TellStepFailure()(step_context(RuntimeError(words), tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": "/nowhere/at/all.db"}))
    TellStepFailure()(step_context(RuntimeError(words), tmp_path))
    assert len(webhook.bodies) == 2
    seen = [json.dumps(webhook.bodies), caplog.text]
    for table in ("core_alerts", "core_alert_deliveries", "alert_history", "core_alert_notifications"):
        seen.append(str(outbox.query(f"SELECT * FROM {table}").rows))
    assert not any("canary" in text for text in seen), seen


def test_telling_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", "/nowhere")
    monkeypatch.delenv("AIRFLOW_CONN_SPINE_DEFAULT", raising=False)
    tell_from_airflow(FAILED.failure(FULL))
