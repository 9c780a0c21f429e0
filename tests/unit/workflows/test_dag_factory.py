"""From workflow files to DAGs: structure, determinism, isolation of broken files, and what a parse may import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk import DAG

from spine.core.errors import ConfigurationError
from spine.retries import SpineRetryPolicy
from spine.workflows import dag_factory
from spine.workflows.dag_factory import broken_workflows, build_dag, load_dags, raise_broken_workflows
from spine.workflows.loader import load_workflow
from tests.support.paths import ROOT
from tests.support.workflows import settings_for, workflow_of, write

HEAVY = ("pandas", "pyarrow", "great_expectations", "duckdb", "adbc_driver_manager", "holidays", "psycopg2")
OK = "{name: a, type: pipeline, pipeline: test.ok}"


@pytest.fixture(scope="module")
def weekly() -> DAG:
    return build_dag(load_workflow(ROOT / "include/workflows/finra_weekly_refresh.yaml"))


def test_the_weekly_refresh_has_the_steps_as_tasks(weekly: DAG) -> None:
    edges = {task.task_id: sorted(task.downstream_task_ids) for task in weekly.tasks}
    assert edges == {
        "ingest": ["validate_ingest"],
        "validate_ingest": ["normalize"],
        "normalize": ["aggregate"],
        "aggregate": ["refresh_dependents"],
        "refresh_dependents": ["check_rolling"],
        "check_rolling": ["should_compute_rolling"],
        "should_compute_rolling": ["notify", "rolling"],
        "rolling": ["notify"],
        "notify": [],
    }


def test_only_the_join_has_a_trigger_rule_of_its_own(weekly: DAG) -> None:
    rules = {task.task_id: task.trigger_rule.value for task in weekly.tasks}
    assert rules.pop("notify") == "none_failed_min_one_success"
    assert set(rules.values()) == {"all_success"}


def test_params_make_the_trigger_form(weekly: DAG) -> None:
    tier, week_ending = weekly.params.get_param("tier"), weekly.params.get_param("week_ending")
    assert (tier.value, tier.schema["enum"]) == ("OTCE", ["T1", "T2", "OTCE", "NMS_TIER_1", "NMS_TIER_2", "OTC"])
    assert set(tier.schema["values_display"]) == set(tier.schema["enum"])
    assert (week_ending.value, week_ending.schema["type"], week_ending.schema["format"]) == (
        None, ["string", "null"], "date",
    )  # fmt: skip
    assert weekly.params.get_param("force").schema["type"] == "boolean"
    assert str(tier.description).startswith("FINRA")
    assert weekly.params.validate()["window_weeks"] == 6


def test_the_dag_shows_its_file(weekly: DAG) -> None:
    assert weekly.doc_md is not None
    assert (ROOT / "include/workflows/finra_weekly_refresh.yaml").read_text().rstrip() in weekly.doc_md
    assert weekly.tags == {"finra", "weekly", "finra.otc_transparency"}
    assert (weekly.schedule, weekly.catchup, weekly.max_active_runs) == (None, False, 16)


def test_retry_and_timeout_become_the_tasks(tmp_path: Path) -> None:
    text = """
        name: x
        steps:
          - {name: a, type: pipeline, pipeline: test.ok, on_error: retry, retry: {max_attempts: 4}, timeout: 90}
          - {name: b, type: pipeline, pipeline: test.ok}
        """
    dag = build_dag(workflow_of(tmp_path, text))
    first, second = dag.get_task("a"), dag.get_task("b")
    assert (first.retries, second.retries) == (3, 0)
    assert isinstance(first.retry_policy, SpineRetryPolicy)
    assert second.retry_policy is None
    assert first.execution_timeout is not None
    assert first.execution_timeout.total_seconds() == 90


SCRIPT = """
import json, runpy, sys
from airflow.serialization.serialized_objects import DagSerialization
names = runpy.run_path(sys.argv[1])
heavy = sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[2].split(",")))
dags = {name: DagSerialization.to_dict(dag) for name, dag in names.items() if type(dag).__name__ == "DAG"}
print(json.dumps({"heavy": heavy, "dags": dags}, sort_keys=True))  # sorted, as Airflow does before it compares
"""


def parse_in_a_new_process(hash_seed: str) -> str:
    command = [sys.executable, "-c", SCRIPT, str(ROOT / "dags/spine_workflows.py"), ",".join(HEAVY)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()[-1]


def test_the_same_file_gives_the_same_bytes_and_imports_nothing_heavy() -> None:
    first, second = parse_in_a_new_process("1"), parse_in_a_new_process("2")
    assert first == second
    parsed = json.loads(first)
    assert "finra.weekly_refresh" in parsed["dags"]
    assert parsed["heavy"] == []


def test_a_broken_file_is_left_out_and_told(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    write(tmp_path / "workflows", f"name: good\nsteps: [{OK}]", "good.yaml")
    bad = write(tmp_path / "workflows", "name: bad\nsteps:\n- {name: a, type: pipline}", "bad.yaml")
    assert list(load_dags(settings)) == ["good"]
    assert [error.path for error in broken_workflows(settings)] == [str(bad)]
    with pytest.raises(ConfigurationError) as caught:
        raise_broken_workflows(settings)
    assert f"{bad}:3:19 E015 unknown type 'pipline'; did you mean 'pipeline'?" in str(caught.value)
    bad.unlink()
    raise_broken_workflows(settings)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no folder"):
        raise_broken_workflows(settings_for(tmp_path))


@pytest.mark.usefixtures("airflow_env")
def test_airflow_shows_the_broken_file_and_keeps_its_siblings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.dag_processing.dagbag import DagBag

    pipeline = "{name: a, type: pipeline, pipeline: finra.otc_transparency.ingest_week}"
    write(tmp_path / "workflows", f"name: good\nsteps: [{pipeline}]", "good.yaml")
    write(tmp_path / "workflows", "name: bad\nsteps: []", "bad.yaml")
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", str(tmp_path))
    bag = DagBag(str(ROOT / "dags"), bundle_path=ROOT / "dags", bundle_name="dags-folder")
    assert "good" in bag.dags
    assert len(bag.import_errors) == 1
    (told,) = bag.import_errors.values()
    assert "bad.yaml:2:8 E001 the workflow has no steps" in told


def test_a_task_start_reads_only_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two.b", "three"):
        write(tmp_path / "workflows", f"name: {name}\nsteps: [{OK}]", f"{name.replace('.', '_')}.yaml")
    write(tmp_path / "workflows", f'"name": odd\nsteps: [{OK}]', "odd_one.yaml")
    read: list[str] = []

    def load(path: Path, packages: tuple[str, ...]) -> object:
        read.append(path.name)
        return load_workflow(path, packages)

    monkeypatch.setattr(dag_factory, "load_workflow", load)
    for dag_id, files in (("two.b", ["two_b.yaml"]), ("odd", []), ("missing", [])):
        read.clear()
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
        assert list(load_dags(settings_for(tmp_path))) == ([] if dag_id == "missing" else [dag_id])
        assert read == files
