"""Workflows as Airflow runs them: branches, joins, failures and params, judged by Airflow's own states.

The small workflows lie in a DAGs folder of the test's own; the in-process runner must end them the same way.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from spine.airflow_settings import load_settings
from spine.hooks.storage import StorageHook
from spine.workflows.loader import load_workflow
from spine.workflows.runner import run_workflow
from tests.support.dag_runs import DagsFolder
from tests.support.workflows import PACKAGES, seen_contexts

pytestmark = [
    pytest.mark.integration,
    # Airflow's in-process API server imports starlette's test client.
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]

OK = "type: pipeline, pipeline: test.ok"
FLOWS = {
    "branch": f"""
        name: branch
        params: {{{{skip: {{{{type: boolean, default: false}}}}}}}}
        steps:
          - {{{{name: check, type: lambda, handler: tests.support.workflows.echo,
               config: {{{{skip_rolling: "${{{{params.skip}}}}"}}}}}}}}
          - {{{{name: should, type: choice, condition: not skip_rolling, then_step: rolling, else_step: notify}}}}
          - {{{{name: rolling, {OK}}}}}
          - {{{{name: notify, {OK}}}}}
        """,
    "failing": """
        name: failing
        steps:
          - {{name: a, type: pipeline, pipeline: test.ok}}
          - {{name: b, type: pipeline, pipeline: test.fail, on_error: {on_error}}}
          - {{name: c, type: choice, condition: "true", then_step: d}}
          - {{name: d, type: pipeline, pipeline: test.unchanged}}
          - {{name: e, type: pipeline, pipeline: test.ok}}
        """,
    "retried": """
        name: retried
        steps:
          - {{name: a, type: pipeline, pipeline: test.flaky, on_error: retry,
               retry: {{max_attempts: 2, initial_delay: 0.01}}}}
        """,
}


def run_both(folder: DagsFolder, flow: str, conf: dict[str, Any], failures: int = 0, **values: str) -> tuple[Any, Any]:
    """Airflow's and the runner's end of the same workflow: the run's state, and each step's."""
    text = FLOWS[flow].format(**values)
    with seen_contexts(failures):
        by_airflow = folder.run(text, conf, flow)
    settings = load_settings()
    workflow = load_workflow(settings.workflows_dir / f"{flow}.yaml", PACKAGES)
    storage = StorageHook(settings.storage_conn_id).get_storage()
    with seen_contexts(failures), closing(storage):
        by_runner = run_workflow(workflow, conf, storage=storage, settings=settings)
    states = {name: str(step.state) for name, step in by_runner.steps.items()}
    return (by_airflow.state, by_airflow.tasks), (str(by_runner.state), states)


@pytest.mark.parametrize(
    ("flow", "conf", "values", "state", "steps"),
    [
        ("branch", {}, {}, "success", "check=success should=success rolling=success notify=success"),
        ("branch", {"skip": True}, {}, "success", "check=success should=success rolling=skipped notify=success"),
        ("failing", {}, {"on_error": "continue"}, "success", "a=success b=success c=success d=success e=success"),
        (
            "failing", {}, {"on_error": "stop"}, "failed",
            "a=success b=failed c=upstream_failed d=upstream_failed e=upstream_failed",
        ),
    ],
)  # fmt: skip
def test_airflow_and_the_runner_end_a_workflow_alike(
    flow: str, conf: dict[str, Any], values: dict[str, str], state: str, steps: str, dags_folder: DagsFolder
) -> None:
    by_airflow, by_runner = run_both(dags_folder, flow, conf, **values)
    assert by_airflow == by_runner == (state, dict(pair.split("=") for pair in steps.split()))


@pytest.mark.parametrize(("failures", "state"), [(1, "success"), (2, "failed")])
def test_airflow_and_the_runner_try_alike(failures: int, state: str, dags_folder: DagsFolder) -> None:
    by_airflow, by_runner = run_both(dags_folder, "retried", {}, failures)
    assert by_airflow == by_runner == (state, {"a": state})
