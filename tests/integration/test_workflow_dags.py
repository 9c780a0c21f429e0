"""Workflows as Airflow runs them: branches, joins, failures and params, judged by Airflow's own states.

The small workflows lie in a DAGs folder of the test's own; the in-process runner must end them the same way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from spine.airflow_settings import load_settings
from spine.hooks.storage import StorageHook
from spine.workflows.loader import load_workflow
from spine.workflows.runner import run_workflow
from tests.support.paths import ROOT
from tests.support.workflows import PACKAGES, seen_contexts, write

pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("airflow_env"),
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
BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"


@pytest.fixture
def airflow_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A bundle with this repository's DAG file, over workflows of the test's own."""
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "spine_workflows.py").write_text((ROOT / "dags/spine_workflows.py").read_text())
    bundles = json.dumps([{"name": "test", "classpath": BUNDLE, "kwargs": {"path": str(dags)}}])
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", bundles)
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(dags))
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__SPINE__HANDLER_PACKAGES", ",".join(PACKAGES))
    yield tmp_path


def run_both(folder: Path, flow: str, conf: dict[str, Any], failures: int = 0, **values: str) -> tuple[Any, Any]:
    """Airflow's and the runner's end of the same workflow: the run's state, and each step's."""
    path = write(folder / "workflows", FLOWS[flow].format(**values), f"{flow}.yaml")
    with seen_contexts(failures):
        dag = DagBag(str(folder / "dags"), bundle_path=folder / "dags", bundle_name="test").dags[flow]
        run = dag.test(run_conf=conf)
    assert run is not None
    by_airflow = {task.task_id: str(task.state) for task in run.get_task_instances()}
    settings = load_settings()
    storage = StorageHook(settings.storage_conn_id).get_storage()
    with seen_contexts(failures):
        ended = run_workflow(load_workflow(path, PACKAGES), conf, storage=storage, settings=settings)
    by_runner = {name: str(step.state) for name, step in ended.steps.items()}
    return (str(run.state), by_airflow), (str(ended.state), by_runner)


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
    flow: str, conf: dict[str, Any], values: dict[str, str], state: str, steps: str, airflow_folder: Path
) -> None:
    by_airflow, by_runner = run_both(airflow_folder, flow, conf, **values)
    assert by_airflow == by_runner == (state, dict(pair.split("=") for pair in steps.split()))


@pytest.mark.parametrize(("failures", "state"), [(1, "success"), (2, "failed")])
def test_airflow_and_the_runner_try_alike(failures: int, state: str, airflow_folder: Path) -> None:
    by_airflow, by_runner = run_both(airflow_folder, "retried", {}, failures)
    assert by_airflow == by_runner == (state, {"a": state})
