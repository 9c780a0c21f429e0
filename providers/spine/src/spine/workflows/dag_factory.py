"""From workflows to Airflow DAGs. The same file gives the same serialized DAG, byte for byte.

Runs in every parse of the DAGs folder and at the start of every task: nothing heavy is imported, nothing is computed
that depends on the time, the environment or the order of a set.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, CronTriggerTimetable, Param, TriggerRule, get_parsing_context

from spine.core.errors import ConfigurationError
from spine.operators.choice import ChoiceOperator
from spine.operators.step import SpineStepOperator
from spine.retries import SpineRetryPolicy
from spine.timetables.publication import PublicationTimetable
from spine.workflows.errors import WorkflowError
from spine.workflows.graph import Graph, build_graph
from spine.workflows.loader import files_named, load_library, load_workflow
from spine.workflows.model import Schedule, Step, StepType, Workflow, WorkflowParam
from spine.workflows.schedules import params_of

if TYPE_CHECKING:
    from spine.core.settings import Settings

MAX_ACTIVE_RUNS = 16
MAX_SCHEDULED_RUNS = 1  # a week behind another is not urgent; a backfill has a limit of its own
MANUAL_TAG = "manual"


def load_dags(settings: Settings) -> dict[str, DAG]:
    """The DAGs of every good workflow file, by DAG id; only the one that is asked for when a task starts."""
    wanted = get_parsing_context().dag_id
    workflows = _all(settings) if wanted is None else _only(wanted, settings)
    return {
        dag_id: _dag_of(workflow, dag_id)
        for workflow in workflows
        for dag_id in workflow.dag_ids
        if wanted in (None, dag_id)
    }


def broken_workflows(settings: Settings) -> tuple[WorkflowError, ...]:
    """What ``load_dags`` left out."""
    return load_library(settings.workflows_dir, settings.handler_packages).errors


def raise_broken_workflows(settings: Settings) -> None:
    """Make broken files visible as an import error of the DAG file that calls this.

    :raises ConfigurationError: listing every problem of every file, or that there is no folder of workflows.
    """
    if not settings.workflows_dir.is_dir():
        raise ConfigurationError(f"there is no folder {settings.workflows_dir}; set [spine] include_dir")
    if broken := broken_workflows(settings):
        listed = "\n".join(str(error) for error in broken)
        raise ConfigurationError(f"{len(broken)} workflow file(s) left out, the others are loaded:\n{listed}")


def build_dag(workflow: Workflow, schedule: Schedule | None = None) -> DAG:
    """One workflow as a DAG, by itself or as a schedule runs it; registered nowhere until a DAG file names it."""
    params = workflow.params if schedule is None else params_of(workflow, schedule)
    dag = DAG(
        **(_unscheduled(workflow) if schedule is None else _scheduled(workflow, schedule)),
        catchup=False,
        params={name: _param(param) for name, param in params.items()},
        auto_register=False,
    )
    graph = build_graph(workflow.steps)
    tasks = {step.name: _task(workflow, step, graph, dag) for step in workflow.steps}
    for name, task in tasks.items():
        task.set_upstream([tasks[before] for before in graph.upstream[name]])
    return dag


def _unscheduled(workflow: Workflow) -> dict[str, Any]:
    return {
        "dag_id": workflow.name,
        "description": _first_line(workflow.description),
        "doc_md": _documentation(workflow),
        "schedule": None,
        "max_active_runs": MAX_ACTIVE_RUNS,
        "is_paused_upon_creation": False,  # without a schedule nothing starts it but a person
        "tags": _tags(workflow),
    }


def _scheduled(workflow: Workflow, schedule: Schedule) -> dict[str, Any]:
    own = {"dag_id": schedule.name, "description": _first_line(schedule.description or workflow.description)}
    if not schedule.enabled:
        return {**_unscheduled(workflow), **own, "tags": _tags(workflow, MANUAL_TAG)}
    # Whether a new schedule starts at once is the installation's choice: [core] dags_are_paused_at_creation.
    options = {"schedule": _timetable(schedule), "max_active_runs": MAX_SCHEDULED_RUNS, "is_paused_upon_creation": None}
    return {**_unscheduled(workflow), **own, **options}


def _timetable(schedule: Schedule) -> PublicationTimetable | CronTriggerTimetable:
    if schedule.publication is None:
        assert schedule.cron is not None, "the loader refuses an enabled schedule without either"
        return CronTriggerTimetable(schedule.cron, timezone=schedule.timezone)
    options = {} if schedule.at is None else {"at": schedule.at}
    return PublicationTimetable(schedule.publication, **options)


def _tags(workflow: Workflow, *more: str) -> list[str]:
    return sorted({*workflow.tags, *filter(None, [workflow.domain]), *more})


def _first_line(text: str) -> str | None:
    return text.partition("\n")[0] or None


def _dag_of(workflow: Workflow, dag_id: str) -> DAG:
    return build_dag(workflow, next((each for each in workflow.schedules if each.name == dag_id), None))


def _all(settings: Settings) -> tuple[Workflow, ...]:
    return load_library(settings.workflows_dir, settings.handler_packages).workflows


def _only(name: str, settings: Settings) -> tuple[Workflow, ...]:
    for path in files_named(settings.workflows_dir, name):
        workflow = load_workflow(path, settings.handler_packages)
        if name in workflow.dag_ids:  # it may also have been the name of a step
            return (workflow,)
    # The name is written in a way a glance does not find, or it belongs to another DAG file.
    return tuple(workflow for workflow in _all(settings) if name in workflow.dag_ids)


def _task(workflow: Workflow, step: Step, graph: Graph, dag: DAG) -> SpineStepOperator:
    operator = ChoiceOperator if step.type is StepType.CHOICE else SpineStepOperator
    joins = graph.joins(step.name)
    return operator(
        dag=dag,
        task_id=step.name,
        workflow=workflow,
        step=step,
        doc_md=step.description or None,
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS if joins else TriggerRule.ALL_SUCCESS,
        execution_timeout=dt.timedelta(seconds=step.timeout) if step.timeout else None,
        pool=step.pool,
        **_retry_options(step),
    )


def _retry_options(step: Step) -> dict[str, Any]:
    """``retries`` always, so that an installation's ``default_task_retries`` does not change what the file says."""
    retry = step.retries
    if retry.max_attempts == 1:
        return {"retries": 0}
    return {
        "retries": retry.max_attempts - 1,
        "retry_delay": dt.timedelta(seconds=retry.initial_delay),
        "retry_policy": SpineRetryPolicy(retry),
    }


def _param(param: WorkflowParam) -> Param:
    schema = dict(param.schema)
    description = schema.pop("description", None)
    value = {} if param.required else {"default": param.default}
    return Param(description=description, schema=schema, **value)


def _documentation(workflow: Workflow) -> str:
    """The description and the file itself: Airflow's code view shows the generator only."""
    fence = "```" if "```" not in workflow.source else "`````"
    return f"{workflow.description}\n\n{fence}yaml\n{workflow.source.rstrip()}\n{fence}\n".lstrip()
