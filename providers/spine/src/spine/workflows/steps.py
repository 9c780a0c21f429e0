"""One attempt at one step. The in-process runner and the Airflow operators both call ``run_step``, nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spine.core.errors import as_spine_error, error_from_dict
from spine.core.results import StepResult, StepStatus
from spine.workflows.conditions import Scope, parse_expression
from spine.workflows.handlers import load_handler
from spine.workflows.model import OnError, Step, StepType
from spine.workflows.references import resolve

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext

CONDITION = "condition"
"""Key of a choice's receipt: whether its condition held. ``Graph.way`` tells where that leads."""


def run_step(step: Step, context: StepContext) -> StepResult:
    """Run it once, with its ``params`` laid over the run's and ``${...}`` resolved.

    :raises SpineError: it failed and the author wants the run to end, or another attempt; with ``on_error: continue``
        the failure is the result.
    """
    try:
        result = _RUN[step.type](step, context)
        if result.status is StepStatus.FAILED:
            raise error_from_dict(result.error or {"message": result.message})
    except Exception as error:  # noqa: BLE001 - a step is other people's code; whatever it raises joins the error tree
        return settle_failure(step, error, workflow=context.workflow, log=context.log)
    return result


def settle_failure(step: Step, caught: BaseException, *, workflow: str, log: logging.Logger) -> StepResult:
    """The receipt of a failure the author passes over; any other is raised.

    :raises SpineError: the failure as a member of the error tree, with where it happened.
    """
    error = as_spine_error(caught).with_context(workflow=workflow, step=step.name)
    if step.on_error is not OnError.CONTINUE:
        raise error from error.__cause__
    log.warning("step %s failed, and the workflow continues: %s", step.name, error)
    return StepResult.failed(error, continued=True)


def _run_pipeline(step: Step, context: StepContext) -> StepResult:
    from spine.pipelines.registry import get_pipeline

    assert step.pipeline is not None, "the loader refuses a pipeline step without one"
    return get_pipeline(step.pipeline).run(_own_context(step, context))


def _run_handler(step: Step, context: StepContext) -> StepResult:
    assert step.handler is not None, "the loader refuses a lambda step without one"
    handler = load_handler(step.handler, context.settings.handler_packages)
    own = _own_context(step, context)
    return handler(own, resolve(step.config, Scope(own.params, own.outputs)))


def run_choice(step: Step, params: Mapping[str, Any], outputs: Mapping[str, Mapping[str, Any]]) -> StepResult:
    """A choice's receipt; it needs no storage. :raises ConfigurationError: a name it does not know, a wrong type."""
    assert step.condition is not None, "the loader refuses a choice without one"
    truth = parse_expression(step.condition).truth(Scope(params, outputs))
    return StepResult.done(f"{step.condition} is {str(truth).lower()}", **{CONDITION: truth})


_RUN: dict[StepType, Callable[[Step, Any], StepResult]] = {
    StepType.PIPELINE: _run_pipeline,
    StepType.LAMBDA: _run_handler,
    StepType.CHOICE: lambda step, context: run_choice(step, context.params, context.outputs),
}


def _own_context(step: Step, context: StepContext) -> StepContext:
    own = resolve(step.params, Scope(context.params, context.outputs))
    return replace(context, params={**context.params, **own})
