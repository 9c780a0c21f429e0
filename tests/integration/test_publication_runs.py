"""Runs of a publication schedule as Airflow makes them: each knows its week, and the sensor waits without a worker."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from spine.core.tiers import Tier
from spine.core.weeks import newest_published
from tests.support.paths import ROOT
from tests.support.probes import PROBE, answering
from tests.support.workflows import PACKAGES, seen_contexts, write

pytestmark = [
    pytest.mark.integration,
    pytest.mark.usefixtures("airflow_env"),
    # Airflow's in-process API server imports starlette's test client.
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]

FLOW = """
    name: published
    params: {tier: {default: OTCE}, week_ending: {default: null}}
    schedules: [{name: published_t1, publication: T1}]
    steps:
      - {name: a, type: pipeline, pipeline: test.ok}
      - {name: choose, type: choice, condition: week_ending == null, then_step: c, else_step: b}
      - {name: b, type: pipeline, pipeline: test.ok}
      - {name: c, type: pipeline, pipeline: test.ok}
    """
SENSOR = f"""
from airflow.sdk import DAG
from spine.sensors.publication import WeekPublishedSensor
from spine.timetables.publication import PublicationTimetable

with DAG("waiting", schedule=PublicationTimetable("T1")):
    WeekPublishedSensor(task_id="wait", tier="T1", probe="{PROBE}", poke_interval=0.01, timeout=TIMEOUT)
"""
BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"


def dag_of(folder: Path, source: str, dag_id: str, monkeypatch: pytest.MonkeyPatch) -> DAG:
    """The DAG that a file of a bundle of its own defines."""
    dags = folder / "dags"
    dags.mkdir()
    (dags / "made.py").write_text(source)
    bundles = json.dumps([{"name": "published", "classpath": BUNDLE, "kwargs": {"path": str(dags)}}])
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", bundles)
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(dags))
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", str(folder))
    monkeypatch.setenv("AIRFLOW__SPINE__HANDLER_PACKAGES", ",".join(PACKAGES))
    bag = DagBag(str(dags), bundle_path=dags, bundle_name="published")
    assert not bag.import_errors
    return bag.dags[dag_id]


def newest() -> str:
    return str(newest_published(Tier.T1, dt.datetime.now(dt.UTC)))


@pytest.mark.parametrize(
    ("dag_id", "options", "week"),
    [
        ("published_t1", {}, "newest"),
        ("published_t1", {"logical_date": dt.datetime(2025, 10, 13, tzinfo=dt.UTC)}, "2025-10-17"),
        ("published_t1", {"run_conf": {"week_ending": "2025-01-03"}}, "2025-01-03"),
        ("published_t1", {"logical_date": None}, None),
        ("published", {}, None),
    ],
    ids=["now", "a Monday", "asked for", "without dates", "of the workflow itself"],
)
def test_every_step_of_a_run_sees_the_same_week(
    dag_id: str, options: dict[str, Any], week: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "workflows", FLOW)
    dag = dag_of(tmp_path, (ROOT / "dags/spine_workflows.py").read_text(), dag_id, monkeypatch)
    expected = newest() if week == "newest" else week
    with seen_contexts() as seen:
        run = dag.test(**options)
    assert run is not None
    assert str(run.state) == "success"
    assert {context.params["week_ending"] for context in seen} == {expected}
    by_choice = {task.task_id: str(task.state) for task in run.get_task_instances()}
    assert by_choice["b"] == ("skipped" if expected is None else "success")
    assert {context.params["tier"] for context in seen} == {"T1" if dag_id == "published_t1" else "OTCE"}


@pytest.mark.parametrize(("timeout", "state"), [("3600", "success"), ("0.05", "failed")])
def test_the_sensor_waits_in_the_triggerer(
    timeout: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dag = dag_of(tmp_path, SENSOR.replace("TIMEOUT", timeout), "waiting", monkeypatch)
    week = dt.date.fromisoformat(newest())
    with answering([], [], [week]) if state == "success" else answering([]) as asked:
        run = dag.test()
    assert run is not None
    assert str(run.state) == state
    assert len(asked) >= 2
