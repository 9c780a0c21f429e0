"""From workflow files to DAGs: structure, determinism, isolation of broken files, and what a parse may import."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk import DAG

from spine.core.errors import ConfigurationError
from spine.notifications.run_alerts import Ending, TellRunEnd
from spine.retries import SpineRetryPolicy
from spine.workflows import loader
from spine.workflows.dag_factory import broken_workflows, build_dag, load_dags, raise_broken_workflows
from spine.workflows.dag_map import slugs
from spine.workflows.loader import load_workflow
from tests.support.paths import ROOT
from tests.support.workflows import settings_for, workflow_of, write

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
        "aggregate": ["validate_week"],
        "validate_week": ["refresh_dependents"],
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


def test_the_dag_shows_what_its_file_says(weekly: DAG) -> None:
    assert weekly.doc_md is not None
    assert weekly.doc_md.startswith("One week of one tier of FINRA OTC Transparency")
    assert "    suite: finra_otc_transparency.ingested\n" in weekly.doc_md
    assert "# One DAG each" not in weekly.doc_md
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


def test_a_task_that_leaves_its_worker_may_be_lost_once(tmp_path: Path) -> None:
    text = """
        name: x
        steps:
          - {name: a, type: wait, duration: 3s}
          - {name: b, type: approval, subject: Go on?}
        """
    for task in build_dag(workflow_of(tmp_path, text)).tasks:
        assert (task.retries, type(task.retry_policy)) == (1, SpineRetryPolicy), task.task_id


def test_owner_timeout_and_pool_become_airflows(tmp_path: Path) -> None:
    text = f"""
        name: x
        owner: ann
        timeout: 2h
        steps:
          - {{name: a, type: pipeline, pipeline: test.ok, pool: finra, description: Why.}}
          - {{name: m, type: map, items: [1, 2], pool: finra, steps: [{OK}]}}
        """
    dag = build_dag(workflow_of(tmp_path, text))
    assert dag.dagrun_timeout is not None
    assert dag.dagrun_timeout.total_seconds() == 7200
    assert (dag.get_task("a").owner, dag.get_task("a").pool, dag.get_task("a").doc_md) == ("ann", "finra", "Why.")
    assert {task.task_id: task.pool for task in dag.tasks if task.task_id.endswith(".a")} == {
        "m.1.a": "finra", "m.2.a": "finra",
    }  # fmt: skip


def test_alerts_become_callbacks_that_tell_the_channels(tmp_path: Path) -> None:
    text = f"name: x\nalerts: {{on_failure: ['#a', '#b'], on_success: '#c'}}\nsteps: [{OK}]"
    dag = build_dag(workflow_of(tmp_path, text))
    assert (dag.on_failure_callback, dag.on_success_callback) == (
        [TellRunEnd("x", "", Ending.FAILURE, ("#a", "#b"))], [TellRunEnd("x", "", Ending.SUCCESS, ("#c",))],
    )  # fmt: skip


def test_assets_are_named_as_written(tmp_path: Path) -> None:
    dag = build_dag(workflow_of(tmp_path, f"name: x\nsteps: [{OK[:-1]}, produces: [finra.venue_volume]}}]"))
    (asset,) = dag.get_task("a").outlets
    assert (asset.name, asset.uri) == ("finra.venue_volume", "spine://finra.venue_volume/")


MAPS = """
    name: x
    params: {{items: {{default: [a]}}}}
    steps:
      - {{name: before, type: pipeline, pipeline: test.ok}}
      - name: m
        type: map
        {keys}
        steps:
          - {{name: one, type: pipeline, pipeline: test.ok}}
          - {{name: side, type: pipeline, pipeline: test.ok, depends_on: []}}
          - {{name: two, type: pipeline, pipeline: test.ok, depends_on: [one, side]}}
      - {{name: after, type: pipeline, pipeline: test.ok}}
    """


def edges(dag: DAG) -> dict[str, list[str]]:
    return {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks}


@pytest.mark.parametrize("keys", ["items: [T1, 'T 2!']", "items: [T1, 'T 2!']\n        max_concurrency: 2"])
def test_a_map_over_a_few_known_items_is_laid_out(keys: str, tmp_path: Path) -> None:
    dag = build_dag(workflow_of(tmp_path, MAPS.format(keys=keys)))
    assert edges(dag) == {
        "before": ["m.items"],
        "m.items": ["m.T1.one", "m.T1.side", "m.T_2_.one", "m.T_2_.side", "m.result"],
        "m.T1.one": ["m.T1.two", "m.ended"], "m.T1.side": ["m.T1.two", "m.ended"], "m.T1.two": ["m.ended"],
        "m.T_2_.one": ["m.T_2_.two", "m.ended"], "m.T_2_.side": ["m.T_2_.two", "m.ended"], "m.T_2_.two": ["m.ended"],
        "m.ended": ["m.result"],
        "m.result": ["after"],
        "after": [],
    }  # fmt: skip
    assert set(dag.task_group_dict) == {"m", "m.T1", "m.T_2_"}


@pytest.mark.parametrize(
    ("keys", "at_once"),
    [
        ("items: '${params.items}'", None),
        ("items: [a, b]\n        on_error: continue", None),
        ("items: [a, b, c]\n        max_concurrency: 2", 2),
        (f"items: {list(range(51))}", None),
    ],
    ids=["found by the run", "failures passed over", "bounded", "many"],
)
def test_other_maps_are_mapped(keys: str, at_once: int | None, tmp_path: Path) -> None:
    dag = build_dag(workflow_of(tmp_path, MAPS.format(keys=keys)))
    assert edges(dag) == {
        "before": ["m.items"], "m.items": ["m.item", "m.result"], "m.item": ["m.ended"],
        "m.ended": ["m.result"], "m.result": ["after"], "after": [],
    }  # fmt: skip
    assert dag.get_task("m.item").max_active_tis_per_dagrun == at_once


def test_items_get_task_ids_of_their_own() -> None:
    items = ["T1", "T/1", "T?1", "", "result", {"a": 1}, 2.5, True, "x" * 300]
    assert [slug for slug, _ in slugs(items)] == [
        "T1", "T_1", "T_1_3", "item_4", "result_5", "item_6", "2_5", "True", "x" * 40,
    ]  # fmt: skip


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


def test_what_airflow_refuses_takes_no_other_with_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    write(tmp_path / "workflows", f"name: good\nsteps: [{OK}]", "good.yaml")
    deep = f"name: {'m' * 200}, type: map, items: [1]"
    write(tmp_path / "workflows", f"name: long\nsteps: [{{{deep}, steps: [{{{deep}, steps: [{OK}]}}]}}]", "long.yaml")
    assert list(load_dags(settings)) == ["good"]
    (error,) = broken_workflows(settings)
    assert "long.yaml:1:1 E044 Airflow refuses its DAG: " in str(error)


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
    read_text = loader.read_text
    monkeypatch.setattr(loader, "read_text", lambda path: read.append(path.name) or read_text(path))
    every = ["odd_one.yaml", "one.yaml", "three.yaml", "two_b.yaml"]
    for dag_id, files in (("two.b", ["two_b.yaml"]), ("odd", ["odd_one.yaml"]), ("missing", every)):
        read.clear()
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
        assert list(load_dags(settings_for(tmp_path))) == ([] if dag_id == "missing" else [dag_id])
        assert read == files
