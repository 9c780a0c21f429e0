"""Dead letters of workflows, run again in this process. A DAG's task may call ``retry_due``, and so does the command line."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError, SpineError, error_from_dict
from spine.pipelines.context import utc_now
from spine.resilience import retrying
from spine.resilience.dead_letters import DeadLetter
from spine.resilience.work import SourceType
from spine.workflows.catalog import find_workflow
from spine.workflows.graph import StepState
from spine.workflows.runner import WorkflowRun, run_workflow

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.pipelines.connections import Connections
    from spine.storage.base import Storage
    from spine.workflows.model import Workflow

BY = "dlq retry"
Clock = Callable[[], dt.datetime]


def retry_due(
    storage: Storage,
    settings: Settings,
    connections: Connections,
    *,
    clock: Clock = utc_now,
    by: str = BY,
    limit: int = 100,
    notifier: Any = None,
) -> list[DeadLetter]:
    """Run the work of every letter whose time has come; each letter as it is afterwards."""
    run = running(storage, settings, connections, clock=clock, notifier=notifier)
    return retrying.retry_due(storage, run, clock=clock, by=by, limit=limit)


def retry_letter(
    storage: Storage,
    settings: Settings,
    connections: Connections,
    dlq_id: str,
    *,
    clock: Clock = utc_now,
    by: str = BY,
    notifier: Any = None,
) -> DeadLetter:
    """Run the work of one letter, whether its time has come or not; the letter as it is afterwards.

    :raises ValidationError: there is no such letter. :raises LeaseHeld: another process is at it.
    """
    run = running(storage, settings, connections, clock=clock, notifier=notifier)
    return retrying.retry(storage, dlq_id, run, clock=clock, by=by)


def trigger_letter(
    storage: Storage,
    settings: Settings,
    dlq_id: str,
    start: Callable[[str, str, dict[str, Any]], object],
    *,
    now: dt.datetime,
) -> DeadLetter:
    """Have Airflow run the workflow's DAG with the letter's params; the run's own steps resolve the letter, or renew it.

    Until then it waits as long as a letter may, so that nobody else takes it up meanwhile.

    :param start: given the DAG's id, a run id and a conf.
    :raises ValidationError: there is no such letter, or it is resolved.
    """
    letter = retrying.required(storage, dlq_id)
    workflow, params = work_of(letter, settings)
    run_id = f"dead_letter__{dlq_id[:12]}__{letter.retry_count + 1}__{now:%Y-%m-%dT%H:%M:%S}"
    try:
        start(workflow.name, run_id, params)
    except Exception as error:
        raise ConfigurationError(
            f"Airflow did not start {workflow.name}: {error}; is its DAG there, and not paused? Without --trigger it runs here"
        ) from error
    return retrying.handed_over(storage, dlq_id, run_id=run_id, now=now)


def running(
    storage: Storage, settings: Settings, connections: Connections, *, clock: Clock, notifier: Any = None
) -> retrying.Run:
    """What runs the workflow of a letter with the letter's params, from its first step: what is done already is unchanged."""

    def run(letter: DeadLetter) -> SpineError | None:
        workflow, params = work_of(letter, settings)
        ended = run_workflow(
            workflow,
            params,
            storage=storage,
            settings=settings,
            run_id=f"dead_letter__{letter.dlq_id[:12]}__{letter.retry_count}__{clock():%Y-%m-%dT%H:%M:%S}",
            clock=clock,
            log=logging.getLogger(__name__),
            connections=connections,
            notifier=notifier,
        )
        return _first_error(ended)

    return run


def work_of(letter: DeadLetter, settings: Settings) -> tuple[Workflow, dict[str, Any]]:
    """The workflow of a letter, and the params for it.

    :raises ConfigurationError: it is of something else, its workflow is gone, or params that hold secrets were not kept.
    """
    payload = letter.work.payload
    if letter.work.source_type is SourceType.MESSAGE:
        raise ConfigurationError(
            f"dead letter {letter.dlq_id} is a message, which its channel sends again, not a workflow"
        )
    if withheld := payload.get("withheld"):
        raise ConfigurationError(
            f"dead letter {letter.dlq_id} cannot be run again by itself: {', '.join(withheld)} may hold secrets and were not "
            f"kept; run {payload['workflow']} with them, and its success resolves the letter"
        )
    workflow = find_workflow(payload["workflow"], settings)
    # Params that a map around the step set are the map's again.
    return workflow, {name: value for name, value in payload["params"].items() if name in workflow.params}


def _first_error(ended: WorkflowRun) -> SpineError | None:
    for step in ended.steps.values():
        if step.state is StepState.FAILED and step.result is not None:
            return error_from_dict(step.result.error or {"message": step.result.message})
    return None
