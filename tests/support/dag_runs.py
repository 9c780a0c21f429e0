"""Workflows of a test's own as DAGs that Airflow runs, in this process (``dag.test``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from spine.workflows.loader import load_workflow
from tests.support.paths import ROOT
from tests.support.workflows import PACKAGES, write

BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"


@dataclass(frozen=True, slots=True)
class DagRunEnd:
    """How a run ended.

    :param tasks: the state of each task; one of a mapped task as ``id[index]``.
    :param receipts: what tasks returned, under the same names.
    """

    dag_id: str
    run_id: str
    state: str
    tasks: Mapping[str, str]
    receipts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DagsFolder:
    """A bundle with this repository's DAG file, over the workflows in ``path``."""

    path: Path

    def add(self, text: str, name: str = "flow") -> DAG:
        """Write a workflow, which must be good, and have its DAG."""
        load_workflow(write(self.path / "workflows", text, f"{name}.yaml"), PACKAGES)
        bag = DagBag(str(self.path / "dags"), bundle_path=self.path / "dags", bundle_name="test")
        assert not bag.import_errors
        dag: DAG = bag.dags[name]
        return dag

    def run(self, text: str, conf: Mapping[str, Any] | None = None, name: str = "flow") -> DagRunEnd:
        return ended(self.add(text, name), conf)


def ended(dag: DAG, conf: Mapping[str, Any] | None = None) -> DagRunEnd:
    """Run it to its end."""
    run = dag.test(run_conf=dict(conf or {}))
    assert run is not None
    tasks = {_name(task): str(task.state) for task in run.get_task_instances()}
    return DagRunEnd(dag.dag_id, run.run_id, str(run.state), tasks, _receipts(dag.dag_id, run.run_id))


def make_dags_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> DagsFolder:
    dags = path / "dags"
    dags.mkdir()
    (dags / "spine_workflows.py").write_text((ROOT / "dags/spine_workflows.py").read_text())
    bundles = json.dumps([{"name": "test", "classpath": BUNDLE, "kwargs": {"path": str(dags)}}])
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", bundles)
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(dags))
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", str(path))
    monkeypatch.setenv("AIRFLOW__SPINE__HANDLER_PACKAGES", ",".join(PACKAGES))
    return DagsFolder(path)


def from_database(ask: Callable[[Any], Any]) -> Any:
    """What Airflow's own tables say; ``ask`` is given a session."""
    from airflow.utils.session import create_session

    with create_session() as session:
        return ask(session)


def _receipts(dag_id: str, run_id: str) -> dict[str, Any]:
    from airflow.models.xcom import XComModel

    def ask(session: Any) -> dict[str, Any]:
        found = session.query(XComModel).filter_by(dag_id=dag_id, run_id=run_id, key="return_value")
        return {_name(each): XComModel.deserialize_value(each) for each in found}

    return dict(from_database(ask))


def _name(instance: Any) -> str:
    return instance.task_id if instance.map_index < 0 else f"{instance.task_id}[{instance.map_index}]"
