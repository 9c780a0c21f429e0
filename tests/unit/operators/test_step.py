"""A step as a task: params are checked again, receipts are handed on, failures end as the workflow says."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import pytest
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowTaskTimeout, DownstreamTasksSkipped

from spine.core.errors import DeadlineExceeded, SourceError, ValidationError
from spine.operators.step import SpineStepOperator
from spine.workflows.dag_factory import build_dag
from spine.workflows.model import Workflow
from tests.support.workflows import seen_contexts, workflow_of

FLOW = """
    name: x
    params: {{tier: {{enum: [T1, NMS_TIER_1], default: T1}}}}
    steps:
      - {{name: a, type: pipeline, pipeline: test.ok}}
      - {{name: skipped, type: pipeline, pipeline: test.ok}}
      - {{name: b, type: pipeline, pipeline: {pipeline}, on_error: {on_error}, timeout: 5}}
      - {{name: c, type: choice, condition: rows > 0, then_step: d, else_step: e}}
      - {{name: d, type: pipeline, pipeline: test.ok}}
      - {{name: e, type: pipeline, pipeline: test.ok, depends_on: [c]}}
    """


class TaskInstance:
    """What a step asks of a running task: the receipts of other tasks, and to leave its own."""

    map_index = -1
    try_number, max_tries = 1, 0

    def __init__(self, receipts: dict[str, Any]) -> None:
        self.receipts = receipts
        self.pushed: dict[str, Any] = {}

    def xcom_pull(self, task_ids: str) -> Any:
        return self.receipts.get(task_ids)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def context_of(params: dict[str, Any], **receipts: Any) -> Context:
    return cast("Context", {"params": params, "run_id": "manual__1", "ti": TaskInstance(receipts)})


def flow(folder: Path, pipeline: str = "test.ok", on_error: str = "stop") -> Workflow:
    return workflow_of(folder, FLOW.format(pipeline=pipeline, on_error=on_error))


def operator(workflow: Workflow, name: str = "b") -> SpineStepOperator:
    return SpineStepOperator(task_id=name, workflow=workflow, step=workflow.step(name))


def test_a_step_runs_with_complete_params_and_the_receipts_that_lead_to_it(tmp_path: Path) -> None:
    with seen_contexts() as seen:
        receipt = operator(flow(tmp_path)).execute(context_of({"tier": "NMS_TIER_1"}, a={"rows": 1}, d={"rows": 9}))
    assert receipt == {"rows": 1, "status": "done"}
    (context,) = seen
    assert dict(context.params) == {"tier": "T1"}
    assert dict(context.outputs) == {"a": {"rows": 1}}
    assert (context.run_id, context.workflow) == ("manual__1", "x")
    assert context.storage.describe()


def test_a_typo_in_a_runs_conf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no param 'teir'; did you mean 'tier'"):
        operator(flow(tmp_path, on_error="continue")).execute(context_of({"tier": "T1", "teir": "T2"}))


def test_a_hard_failure_is_raised_as_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the source is unusable") as caught:
        operator(flow(tmp_path, "test.fail")).execute(context_of({}))
    assert caught.value.context == {"workflow": "x", "step": "b", "run_id": "manual__1", "tier": "T1"}


def test_a_continued_failure_is_the_receipt(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        receipt = operator(flow(tmp_path, "test.fail", "continue")).execute(context_of({}))
    assert receipt["status"] == "failed_continue"
    assert receipt["error"]["category"] == "SOURCE"
    assert "and the workflow continues" in caplog.text


def test_storage_that_cannot_be_had_is_passed_over_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SPINE__STORAGE_CONN_ID", "spine_nowhere")
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_NOWHERE", '{"conn_type": "oracle"}')
    receipt = operator(flow(tmp_path, on_error="continue")).execute(context_of({}))
    assert (receipt["status"], receipt["error"]["category"]) == ("failed_continue", "CONFIGURATION")


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_a_timeout_is_a_failure_like_any_other(on_error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*args: Any) -> Any:
        raise AirflowTaskTimeout

    monkeypatch.setattr(SpineStepOperator, "_attempt", late)
    task = operator(flow(tmp_path, on_error=on_error))
    if on_error == "continue":
        assert task.execute(context_of({}))["error"]["category"] == "TIMEOUT"
    else:
        with pytest.raises(DeadlineExceeded, match="took longer than its timeout of 5 s"):
            task.execute(context_of({}))


@pytest.mark.parametrize(("rows", "way", "skipped"), [(1, "d", "e"), (0, "e", "d")])
def test_a_choice_skips_where_its_condition_does_not_lead(rows: int, way: str, skipped: str, tmp_path: Path) -> None:
    workflow = flow(tmp_path)
    context = context_of({}, a={"rows": 5}, b={"rows": rows})
    with pytest.raises(DownstreamTasksSkipped) as caught:
        build_dag(workflow).get_task("c").execute(context)
    assert caught.value.tasks == [skipped]
    receipt = context["ti"].pushed["return_value"]
    assert (receipt["next_step"], receipt["condition"], receipt["status"]) == (way, rows > 0, "done")
