"""A workflow in one process: order, branches, failures, retries, receipts."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.core.errors import ValidationError
from spine.core.results import StepStatus
from spine.workflows.graph import StepState, build_graph
from spine.workflows.model import OnError, PipelineCall, Step, Workflow
from spine.workflows.runner import WorkflowRun, run_workflow
from tests.support.workflows import seen_contexts, settings_for, workflow_of

NOON = dt.datetime(2025, 12, 19, 12, tzinfo=dt.UTC)


def run(workflow: Workflow, folder: Path, **options: Any) -> WorkflowRun:
    params = options.pop("params", {})
    return run_workflow(
        workflow, params, storage=None, settings=settings_for(folder), clock=lambda: NOON, **options  # type: ignore[arg-type]
    )  # fmt: skip


def states(ended: WorkflowRun) -> dict[str, str]:
    return {name: str(step.state) for name, step in ended.steps.items()}


BRANCH = """
    name: x
    params: {skip: {type: boolean, default: false}}
    steps:
      - {name: check, type: lambda, handler: tests.support.workflows.echo, config: {skip_rolling: "${params.skip}"}}
      - {name: should, type: choice, condition: not skip_rolling, then_step: rolling, else_step: notify}
      - {name: rolling, type: pipeline, pipeline: test.ok}
      - {name: notify, type: pipeline, pipeline: test.ok}
    """


def test_the_taken_branch_runs_into_the_join(tmp_path: Path) -> None:
    ended = run(workflow_of(tmp_path, BRANCH), tmp_path)
    assert states(ended) == dict.fromkeys(("check", "should", "rolling", "notify"), "success")
    assert ended.steps["should"].result is not None
    assert ended.steps["should"].result.message == "not skip_rolling is true"


def test_the_branch_not_taken_is_skipped_and_the_join_runs(tmp_path: Path) -> None:
    ended = run(workflow_of(tmp_path, BRANCH), tmp_path, params={"skip": True})
    assert states(ended) == {"check": "success", "should": "success", "rolling": "skipped", "notify": "success"}
    assert ended.state is StepState.SUCCESS


def test_false_without_anywhere_to_go_skips_the_rest(tmp_path: Path) -> None:
    text = """
        name: x
        steps:
          - {name: c, type: choice, condition: "false", then_step: a}
          - {name: a, type: pipeline, pipeline: test.ok}
          - {name: b, type: pipeline, pipeline: test.ok, depends_on: [a]}
        """
    ended = run(workflow_of(tmp_path, text), tmp_path)
    assert states(ended) == {"c": "success", "a": "skipped", "b": "skipped"}
    assert ended.state is StepState.SUCCESS


THREE = """
    name: x
    steps:
      - {{name: a, type: pipeline, pipeline: test.ok}}
      - {{name: b, type: pipeline, pipeline: {pipeline}, {options}}}
      - {{name: c, type: pipeline, pipeline: test.ok}}
    """


@pytest.mark.parametrize("pipeline", ["test.fail", "test.reported", "test.crash"])
def test_a_failure_ends_the_run(pipeline: str, tmp_path: Path) -> None:
    ended = run(workflow_of(tmp_path, THREE.format(pipeline=pipeline, options="on_error: stop")), tmp_path)
    assert states(ended) == {"a": "success", "b": "failed", "c": "upstream_failed"}
    assert ended.state is StepState.FAILED
    assert ended.results["b"].error is not None
    context = ended.results["b"].error["context"]
    assert (context["workflow"], context["step"], context["run_id"]) == ("x", "b", ended.run_id)
    assert str(ended.results["b"].category) == ("INTERNAL" if pipeline == "test.crash" else "SOURCE")


@pytest.mark.parametrize("pipeline", ["test.fail", "test.reported", "test.crash"])
def test_a_continued_failure_is_visible_and_passed_over(
    pipeline: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workflow = workflow_of(tmp_path, THREE.format(pipeline=pipeline, options="on_error: continue"))
    with seen_contexts() as seen, caplog.at_level(logging.WARNING):
        ended = run(workflow, tmp_path)
    assert states(ended) == {"a": "success", "b": "success", "c": "success"}
    assert ended.results["b"].status is StepStatus.CONTINUED
    assert seen[-1].outputs["b"]["status"] == "failed_continue"
    assert "step b failed, and the workflow continues" in caplog.text


def test_unchanged_skips_nothing(tmp_path: Path) -> None:
    ended = run(workflow_of(tmp_path, THREE.format(pipeline="test.unchanged", options="on_error: stop")), tmp_path)
    assert states(ended)["c"] == "success"
    assert ended.results["b"].status is StepStatus.UNCHANGED


RETRY = "on_error: retry, retry: {{max_attempts: 3, initial_delay: 2}}, params: {{retry_after: {after}}}"


@pytest.mark.parametrize(
    ("failures", "after", "slept", "attempts", "state"),
    [
        (0, "null", [], 1, "success"),
        (2, "null", [2.0, 4.0], 3, "success"),
        (1, "30", [30], 2, "success"),
        (9, "null", [2.0, 4.0], 3, "failed"),
    ],
)
def test_retries(failures: int, after: str, slept: list[float], attempts: int, state: str, tmp_path: Path) -> None:
    workflow = workflow_of(tmp_path, THREE.format(pipeline="test.flaky", options=RETRY.format(after=after)))
    waits: list[float] = []
    with seen_contexts(failures):
        ended = run(workflow, tmp_path, sleep=waits.append)
    assert (waits, ended.steps["b"].attempts, str(ended.steps["b"].state)) == (slept, attempts, state)


def test_what_cannot_get_better_is_not_tried_again(tmp_path: Path) -> None:
    ended = run(workflow_of(tmp_path, THREE.format(pipeline="test.fail", options="on_error: retry")), tmp_path)
    assert ended.steps["b"].attempts == 1


def test_a_step_sees_its_own_params_over_the_runs_and_the_receipts_that_lead_to_it(tmp_path: Path) -> None:
    text = """
        name: x
        params: {weeks: {type: integer, default: 6}, day: {default: null}}
        steps:
          - {name: a, type: pipeline, pipeline: test.ok}
          - {name: beside, type: pipeline, pipeline: test.ok, depends_on: []}
          - {name: b, type: pipeline, pipeline: test.ok, params: {weeks: "${weeks + 1}"}, depends_on: [a]}
        """
    with seen_contexts() as seen:
        run(workflow_of(tmp_path, text), tmp_path, run_id="r1")
    last = seen[-1]
    assert last.params == {"weeks": 7, "day": None}
    assert dict(last.outputs) == {"a": {"rows": 2, "status": "done"}}
    assert (last.run_id, last.workflow, last.clock()) == ("r1", "x", NOON)


def test_each_step_is_told_as_it_ends(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    workflow = workflow_of(tmp_path, THREE.format(pipeline="test.fail", options="on_error: stop"))
    run(workflow, tmp_path, on_step=lambda name, step: told.append((name, str(step.state))))
    assert told == [("a", "success"), ("b", "failed"), ("c", "upstream_failed")]


def test_a_condition_over_an_unknown_name_fails_the_choice(tmp_path: Path) -> None:
    ended = run(workflow_of(tmp_path, BRANCH.replace("not skip_rolling", "skp")), tmp_path)
    assert states(ended) == {
        "check": "success", "should": "failed", "rolling": "upstream_failed", "notify": "upstream_failed",
    }  # fmt: skip


def test_refused_params_start_nothing(tmp_path: Path) -> None:
    with seen_contexts() as seen, pytest.raises(ValidationError):
        run(workflow_of(tmp_path, BRANCH), tmp_path, params={"skp": True})
    assert seen == []


@st.composite
def any_workflow(draw: st.DrawFn) -> Workflow:
    """Steps that wait for any earlier ones; each succeeds, fails, or fails and is passed over."""
    steps: list[Step] = []
    for index in range(draw(st.integers(1, 8))):
        names = [step.name for step in steps]
        depends_on = draw(st.none() | st.lists(st.sampled_from(names), unique=True).map(tuple)) if names else None
        pipeline = draw(st.sampled_from(["test.ok", "test.fail"]))
        on_error = draw(st.sampled_from([OnError.STOP, OnError.CONTINUE]))
        steps.append(Step(f"s{index}", PipelineCall(pipeline), on_error=on_error, depends_on=depends_on))
    return Workflow("x", tuple(steps))


@given(any_workflow())
def test_a_run_fails_exactly_when_a_last_step_did_not_succeed(workflow: Workflow) -> None:
    """Airflow judges a run by its last steps, this runner by all of them: they must agree."""
    ended = run(workflow, Path())
    graph = build_graph(workflow.steps)
    leaves = [name for name in graph.upstream if not graph.downstream(name)]
    bad_leaf = any(ended.steps[name].state is not StepState.SUCCESS for name in leaves)
    assert (ended.state is StepState.FAILED) == bad_leaf
    for name, step in ended.steps.items():
        hard = [before for before in graph.ancestors(name) if ended.steps[before].state is StepState.FAILED]
        assert (step.state is StepState.UPSTREAM_FAILED) == bool(hard)
