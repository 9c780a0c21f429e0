"""A workflow that another one calls, or that a map of weeks repeats: run in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError, as_spine_error, error_from_dict
from spine.core.results import StepResult
from spine.core.suggest import did_you_mean
from spine.workflows.graph import StepState
from spine.workflows.loader import load_library
from spine.workflows.model import Workflow
from spine.workflows.runner import WorkflowRun, run_workflow

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext

MAX_CALL_DEPTH = 8


def find_workflow(name: str, context: StepContext) -> Workflow:
    """A workflow of this deployment.

    :raises ConfigurationError: there is none of that name, or its file is broken.
    """
    library = load_library(context.settings.workflows_dir, context.settings.handler_packages)
    for workflow in library.workflows:
        if workflow.name == name:
            return workflow
    broken = f"; broken files: {', '.join(error.path for error in library.errors)}" if library.errors else ""
    known = [workflow.name for workflow in library.workflows]
    raise ConfigurationError(f"no workflow '{name}'; {did_you_mean(name, known)}{broken}")


def call_workflow(name: str, params: Mapping[str, Any], context: StepContext) -> StepResult:
    """Run it to its end; the receipt holds the receipts of its steps.

    The caller's params of the same names are handed on, ``params`` laid over them.

    :raises SpineError: the error of its first failed step.
    """
    if name in context.callers or len(context.callers) >= MAX_CALL_DEPTH:
        raise ConfigurationError(f"workflows call each other: {' -> '.join([*context.callers, name])}")
    workflow = find_workflow(name, context)
    handed_on = {key: value for key, value in context.params.items() if key in workflow.params}
    ended = run_workflow(
        workflow,
        {**handed_on, **params},
        storage=context.storage,
        settings=context.settings,
        run_id=f"{context.run_id}:{name}",
        clock=context.clock,
        log=context.log,
        notifier=context.notifier,
        connections=context.connections,
        callers=(*context.callers, context.workflow),
    )
    return _receipt(ended)


def _receipt(ended: WorkflowRun) -> StepResult:
    receipts = {name: result.to_dict() for name, result in ended.results.items()}
    for name, step in ended.steps.items():
        if step.state is StepState.FAILED and step.result is not None:
            error = error_from_dict(step.result.error or {"message": step.result.message})
            raise as_spine_error(error).with_context(called_workflow=ended.workflow, called_step=name)
    return StepResult.done(f"{ended.workflow}: {len(receipts)} steps", workflow=ended.workflow, steps=receipts)
