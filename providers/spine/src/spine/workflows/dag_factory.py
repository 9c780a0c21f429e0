"""From workflows to Airflow DAGs. The same file gives the same serialized DAG, byte for byte.

Runs in every parse of the DAGs folder and at the start of every task: nothing heavy is imported, nothing is computed
that depends on the time, the environment or the order of a set.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_parsing_context
from airflow.sdk.definitions.param import ParamsDict

from spine.core.errors import ConfigurationError
from spine.documents.problems import Code, DocumentError, Problem
from spine.notifications.run_alerts import Ending, TellRunEnd
from spine.timetables.publication import PublicationTimetable
from spine.workflows.canonical import canonical_yaml, sorted_keys
from spine.workflows.dag_map import lay_out
from spine.workflows.dag_tasks import Ground
from spine.workflows.loader import load_library, load_named
from spine.workflows.model import Schedule, Workflow, WorkflowParam
from spine.workflows.schedules import params_of

if TYPE_CHECKING:
    from spine.core.settings import Settings

MAX_ACTIVE_RUNS = 16
MAX_SCHEDULED_RUNS = 1  # a week behind another is not urgent; a backfill has a limit of its own
MANUAL_TAG = "manual"


def load_dags(settings: Settings) -> dict[str, DAG]:
    """The DAGs of every good workflow file, by DAG id; only the one that is asked for when a task starts."""
    wanted = get_parsing_context().dag_id
    return _build_all(settings)[0] if wanted is None else _build_one(wanted, settings)


def broken_workflows(settings: Settings) -> tuple[DocumentError, ...]:
    """What ``load_dags`` left out."""
    return _build_all(settings)[1]


def raise_broken_workflows(settings: Settings) -> None:
    """Make broken files visible as an import error of the DAG file that calls this.

    :raises ConfigurationError: listing every problem of every file, or that there is no folder of workflows.
    """
    if not settings.workflows_dir.is_dir():
        raise ConfigurationError(f"there is no folder {settings.workflows_dir}; set [spine] include_dir")
    if broken := broken_workflows(settings):
        listed = "\n".join(str(error) for error in broken)
        raise ConfigurationError(f"{len(broken)} workflow file(s) left out, the others are loaded:\n{listed}")


def build_dag(workflow: Workflow, schedule: Schedule | None = None, doc_md: str | None = None) -> DAG:
    """One workflow as a DAG, by itself or as a schedule runs it; registered nowhere until a DAG file names it.

    :param doc_md: its ``documentation``, where it is known already.
    """
    options = _unscheduled(workflow) if schedule is None else _scheduled(workflow, schedule)
    dag = DAG(**options, doc_md=doc_md or documentation(workflow), catchup=False, auto_register=False)
    lay_out(workflow.steps, Ground(workflow, dag))
    # Last, for every task would copy them: a run's params are the DAG's, whatever its tasks have.
    params = workflow.params if schedule is None else params_of(workflow, schedule)
    dag.params = ParamsDict({name: _param(param) for name, param in params.items()})
    return dag


def _unscheduled(workflow: Workflow) -> dict[str, Any]:
    return {
        "dag_id": workflow.name,
        "description": _first_line(workflow.description),
        "schedule": None,
        "max_active_runs": MAX_ACTIVE_RUNS,
        "is_paused_upon_creation": False,  # without a schedule nothing starts it but a person
        "tags": _tags(workflow),
        "dagrun_timeout": dt.timedelta(seconds=workflow.timeout) if workflow.timeout else None,
        **_callbacks(workflow),
    }


def _callbacks(workflow: Workflow) -> dict[str, Any]:
    told = (
        ("on_failure_callback", workflow.alerts.on_failure, Ending.FAILURE),
        ("on_success_callback", workflow.alerts.on_success, Ending.SUCCESS),
    )
    return {option: [TellRunEnd(workflow.name, workflow.domain, ending, channels)] for option, channels, ending in told}


def _scheduled(workflow: Workflow, schedule: Schedule) -> dict[str, Any]:
    own = {"dag_id": schedule.name, "description": _first_line(schedule.description or workflow.description)}
    if not schedule.enabled:
        return {**_unscheduled(workflow), **own, "tags": _tags(workflow, MANUAL_TAG)}
    # Whether a new schedule starts at once is the installation's choice: [core] dags_are_paused_at_creation.
    options = {"schedule": _timetable(schedule), "max_active_runs": MAX_SCHEDULED_RUNS, "is_paused_upon_creation": None}
    return {**_unscheduled(workflow), **own, **options, **_deadline(workflow, schedule)}


def _deadline(workflow: Workflow, schedule: Schedule) -> dict[str, Any]:
    """Airflow tells when a run is not over in time; what that means is for the callback to find out."""
    if schedule.deadline is None:
        return {}
    from airflow.sdk.definitions.callback import SyncCallback
    from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

    from spine.notifications.deadlines import week_is_late

    param = workflow.params.get("summary_type")
    series = schedule.params.get("summary_type") or (param.schema.get("default") if param else "")
    about = {"workflow": workflow.name, "domain": workflow.domain, "tier": str(schedule.publication)}
    about["summary_type"] = str(series or "")
    alert = DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=dt.timedelta(seconds=schedule.deadline),
        callback=SyncCallback(week_is_late, kwargs=about),
        name=f"{schedule.name} in time",
    )
    return {"deadline": alert}


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


def _build_all(settings: Settings) -> tuple[dict[str, DAG], tuple[DocumentError, ...]]:
    library = load_library(settings.workflows_dir, settings.handler_packages)
    dags: dict[str, DAG] = {}
    errors = list(library.errors)
    for workflow in library.workflows:
        try:
            dags |= _build(workflow, workflow.dag_ids)
        except Exception as error:  # noqa: BLE001 - whatever Airflow refuses in one workflow must not take the others with it
            errors.append(_not_built(workflow, error))
    return dags, tuple(errors)


def _build_one(dag_id: str, settings: Settings) -> dict[str, DAG]:
    found = load_named(settings.workflows_dir, dag_id, settings.handler_packages)
    if found is None:
        library = load_library(settings.workflows_dir, settings.handler_packages)
        found = next((each for each in library.workflows if dag_id in each.dag_ids), None)
    return _build(found, (dag_id,)) if found else {}


def _build(workflow: Workflow, dag_ids: tuple[str, ...]) -> dict[str, DAG]:
    doc_md = documentation(workflow)
    schedules = zip(workflow.dag_ids, (None, *workflow.schedules), strict=True)
    return {dag_id: build_dag(workflow, schedule, doc_md) for dag_id, schedule in schedules if dag_id in dag_ids}


def _not_built(workflow: Workflow, error: Exception) -> DocumentError:
    message = f"Airflow refuses its DAG: {type(error).__name__}: {error}"
    return DocumentError([Problem(str(workflow.path), 1, 1, Code.NOT_BUILT, message)])


def _param(param: WorkflowParam) -> Param:
    schema = sorted_keys(param.schema)
    description = schema.pop("description", None)
    value = {} if param.required else {"default": param.default}
    return Param(description=description, schema=schema, **value)


def documentation(workflow: Workflow) -> str:
    """The description, and what the file says in its canonical spelling: a file that is only written differently makes no
    new version of the DAG. Airflow's code view shows the generator only."""
    text = canonical_yaml(replace(workflow, description=""))
    fence = "```" if "```" not in text else "`````"
    return f"{workflow.description}\n\n{fence}yaml\n{text}{fence}\n".lstrip()
