"""A schedule of a workflow as a DAG of its own: when it runs, with which defaults, and how fast it is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from spine.timetables.publication import PublicationTimetable
from spine.workflows import dag_factory
from spine.workflows.dag_factory import load_dags
from spine.workflows.loader import load_workflow
from tests.support.paths import ROOT
from tests.support.workflows import settings_for, write

FLOW = """
    name: flow
    description: The flow.
    domain: dom
    tags: [t]
    params: {tier: {default: OTCE}, week_ending: {default: null}, depth: {type: integer, default: 1}}
    schedules:
      - {name: flow_t1, publication: T1, at: "07:00", params: {depth: 2}, description: Tier 1 alone.}
      - {name: flow_cron, cron: "0 6 * * 1-5", timezone: America/New_York}
      - {name: flow_off, cron: "0 7 * * 1", params: {tier: T2}, enabled: false}
    steps:
      - {name: flow_step, type: pipeline, pipeline: test.ok}
      - {name: b, type: pipeline, pipeline: test.ok}
    """


@pytest.fixture
def dags(tmp_path: Path) -> dict[str, DAG]:
    write(tmp_path / "workflows", FLOW)
    return load_dags(settings_for(tmp_path))


def defaults(dag: DAG) -> dict[str, object]:
    return {name: dag.params[name] for name in dag.params}


def test_each_schedule_is_a_dag_with_its_defaults(dags: dict[str, DAG]) -> None:
    assert {name: defaults(dag) for name, dag in dags.items()} == {
        "flow": {"tier": "OTCE", "week_ending": None, "depth": 1},
        "flow_t1": {"tier": "T1", "week_ending": None, "depth": 2},
        "flow_cron": {"tier": "OTCE", "week_ending": None, "depth": 1},
        "flow_off": {"tier": "T2", "week_ending": None, "depth": 1},
    }
    assert {tuple(task.task_id for task in dag.tasks) for dag in dags.values()} == {("flow_step", "b")}
    assert [dag.get_task("b").upstream_task_ids for dag in dags.values()] == [{"flow_step"}] * 4


def test_each_schedule_runs_at_its_time(dags: dict[str, DAG]) -> None:
    timetables = {
        name: DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).timetable
        for name, dag in dags.items()
    }
    assert {name: timetable.summary for name, timetable in timetables.items()} == {
        "flow": "None",
        "flow_t1": "T1 publication, 07:00 ET",
        "flow_cron": "0 6 * * 1-5",
        "flow_off": "None",
    }
    assert isinstance(timetables["flow_t1"], PublicationTimetable)
    assert timetables["flow_cron"].serialize()["timezone"] == "America/New_York"


def test_what_only_people_start_says_so(dags: dict[str, DAG]) -> None:
    assert {name: dag.tags for name, dag in dags.items()} == {
        "flow": {"dom", "t"}, "flow_t1": {"dom", "t"}, "flow_cron": {"dom", "t"}, "flow_off": {"dom", "t", "manual"},
    }  # fmt: skip
    assert [dags["flow_off"].is_paused_upon_creation, dags["flow_t1"].is_paused_upon_creation] == [False, None]


def test_runs_of_a_schedule_wait_for_each_other(dags: dict[str, DAG]) -> None:
    assert [(dag.max_active_runs, dag.catchup) for dag in dags.values()] == [
        (16, False), (1, False), (1, False), (16, False),
    ]  # fmt: skip


def test_a_schedule_describes_itself_or_its_workflow(dags: dict[str, DAG]) -> None:
    assert [dag.description for dag in dags.values()] == ["The flow.", "Tier 1 alone.", "The flow.", "The flow."]


@pytest.mark.parametrize("dag_id", ["flow", "flow_t1", "flow_off", "flow_step"])
def test_a_task_start_builds_the_dag_asked_for_alone(
    dag_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "workflows", FLOW, "a_flow.yaml")
    ok = "steps: [{name: flow_t1, type: pipeline, pipeline: test.ok}]"
    write(tmp_path / "workflows", f"name: flow_step\n{ok}", "z.yaml")
    built: list[str] = []
    build = dag_factory.build_dag
    monkeypatch.setattr(dag_factory, "build_dag", lambda *args: built.append(args[0].name) or build(*args))
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
    assert list(load_dags(settings_for(tmp_path))) == [dag_id]
    assert len(built) == 1


def test_no_tier_of_the_weekly_refresh_is_scheduled_twice(tmp_path: Path) -> None:
    text = (ROOT / "include/workflows/finra_weekly_refresh.yaml").read_text()
    write(tmp_path / "workflows", text)
    dags = load_dags(settings_for(tmp_path))
    scheduled = {
        name: dag.params["tier"] for name, dag in dags.items() if isinstance(dag.timetable, PublicationTimetable)
    }
    assert scheduled == {
        "finra_otc_t1_publication": "T1", "finra_otc_t2_publication": "T2", "finra_otc_otce_publication": "OTCE",
    }  # fmt: skip
    by_cron = {"finra_otc_t1_daily", "finra_otc_t2_daily", "finra_otc_otce_weekly"}
    assert {name for name, dag in dags.items() if "manual" in dag.tags} == by_cron
    assert set(load_workflow(ROOT / "include/workflows/finra_weekly_refresh.yaml").dag_ids) == dags.keys()
