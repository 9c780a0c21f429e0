"""The same graphs three times: as workflow files of ours, as Python that a person would write, and as dag-factory's YAML.

Eight steps: a chain of five, a choice behind them, the way it takes or leaves, and a join.
"""

from __future__ import annotations

from pathlib import Path

STEPS = ("s1", "s2", "s3", "s4", "s5", "choose", "more", "last")
_OURS = """\
name: {name}
domain: benchmark
description: One of many.
tags: [benchmark]
params:
  tier: {{type: string, enum: [T1, T2, OTCE], default: T1, title: Tier}}
  force: {{type: boolean, default: false}}
steps:
  - {{name: s1, type: pipeline, pipeline: finra.otc_transparency.ingest_week}}
  - {{name: s2, type: lambda, handler: spine.quality.checks.validate_ingest, config: {{min_rows: 1}}}}
  - {{name: s3, type: pipeline, pipeline: finra.otc_transparency.normalize_week}}
  - {{name: s4, type: pipeline, pipeline: finra.otc_transparency.aggregate_week}}
  - {{name: s5, type: lambda, handler: spine.quality.checks.check_rolling_history, config: {{weeks: 6}}}}
  - {{name: choose, type: choice, condition: not skip_rolling, then_step: more, else_step: last}}
  - {{name: more, type: pipeline, pipeline: finra.otc_transparency.compute_rolling}}
  - {{name: last, type: lambda, handler: spine.alerts.notify.notify_completion, on_error: continue}}
"""
_BY_HAND = """\
from airflow.providers.standard.operators.python import BranchPythonOperator, PythonOperator
from airflow.sdk import DAG, Param


def work(**context):
    return {{}}


def choose(**context):
    return "more"


with DAG(
    dag_id="{name}", description="One of many.", schedule=None, catchup=False, tags=["benchmark"],
    params={{
        "tier": Param("T1", type="string", enum=["T1", "T2", "OTCE"], title="Tier"),
        "force": Param(False, type="boolean"),
    }},
):
    steps = [PythonOperator(task_id=f"s{{n}}", python_callable=work, retries=0) for n in range(1, 6)]
    for before, after in zip(steps, steps[1:]):
        before >> after
    choice = BranchPythonOperator(task_id="choose", python_callable=choose, retries=0)
    more = PythonOperator(task_id="more", python_callable=work, retries=0)
    last = PythonOperator(task_id="last", python_callable=work, retries=0, trigger_rule="none_failed_min_one_success")
    steps[-1] >> choice >> [more, last]
    more >> last
"""
_DAG_FACTORY_STEP = """\
    - task_id: {task}
      operator: airflow.providers.standard.operators.python.{operator}
      python_callable: benchmarks.workflow_folders.{function}
      retries: 0
      dependencies: [{before}]
"""
_DAG_FACTORY = """\
{name}:
  description: One of many.
  schedule: null
  catchup: false
  tags: [benchmark]
  default_args: {{start_date: 2026-01-01, owner: benchmark}}
  params: {{tier: T1, force: false}}
  tasks:
"""
_BEFORE = {"s1": "", "choose": "s5", "more": "choose", "last": "choose, more"}


def work(**context: object) -> dict[str, object]:
    """What dag-factory's tasks call."""
    return {}


def choose(**context: object) -> str:
    return "more"


def write_ours(folder: Path, count: int) -> None:
    """``count`` workflow files below ``folder/include/workflows``, and the DAG file that loads them."""
    workflows = folder / "include" / "workflows"
    workflows.mkdir(parents=True, exist_ok=True)
    for name in names(count):
        (workflows / f"{name}.yaml").write_text(_OURS.format(name=name))


def write_by_hand(folder: Path, count: int) -> None:
    """``count`` Python files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names(count):
        (folder / f"{name}.py").write_text(_BY_HAND.format(name=name))


def write_dag_factory(folder: Path, count: int) -> None:
    """``count`` YAML files for dag-factory."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names(count):
        tasks = []
        for number, task in enumerate(STEPS):
            branch = task == "choose"
            before = _BEFORE.get(task, STEPS[number - 1])
            tasks.append(
                _DAG_FACTORY_STEP.format(
                    task=task,
                    operator="BranchPythonOperator" if branch else "PythonOperator",
                    function="choose" if branch else "work",
                    before=before,
                )
            )
        (folder / f"{name}.yaml").write_text(_DAG_FACTORY.format(name=name) + "".join(tasks))


def names(count: int) -> list[str]:
    return [f"flow_{number:04d}" for number in range(count)]
