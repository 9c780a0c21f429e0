"""One attempt at one step. The in-process runner and the Airflow operators both call ``run_step``, nothing else.

Steps that need time or a person (``wait``, ``approval``) and steps that hold others (``map``, ``workflow``) are run by
whoever runs the workflow: ``runner`` in this process, ``spine.operators`` in Airflow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spine.core.errors import ValidationError, as_spine_error, error_from_dict
from spine.core.results import StepResult, StepStatus
from spine.workflows.conditions import Scope, parse_expression
from spine.workflows.handlers import load_handler
from spine.workflows.model import (
    Choice,
    Gate,
    HandlerCall,
    Notify,
    OnError,
    PipelineCall,
    Severity,
    Step,
)
from spine.workflows.references import resolve

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext

CASE = "case"
"""Key of a choice's receipt: the number of the case that held, from 0; how many there are when none did. Beside it stands
``condition``: whether one did."""


def run_step(step: Step, context: StepContext) -> StepResult:
    """Run it once, with its ``params`` laid over the run's and ``${...}`` resolved.

    :raises SpineError: it failed and the author wants the run to end, or another attempt; with ``on_error: continue``
        the failure is the result.
    """
    try:
        result = _RUN[type(step.action)](step.action, context)
        if result.status is StepStatus.FAILED:
            raise error_from_dict(result.error or {"message": result.message})
    except Exception as error:  # noqa: BLE001 - a step is other people's code; whatever it raises joins the error tree
        return settle_failure(
            step,
            error,
            workflow=context.workflow,
            log=context.log,
            place=place_of(context.params, context.outputs, context.run_id),
        )
    return result


def settle_failure(
    step: Step,
    caught: BaseException,
    *,
    workflow: str,
    log: logging.Logger,
    output: Mapping[str, Any] | None = None,
    place: Mapping[str, Any] | None = None,
) -> StepResult:
    """The receipt of a failure the author passes over; any other is raised. Nothing that leaves here holds a secret.

    :param output: what the receipt says besides.
    :param place: see ``place_of``.
    :raises SpineError: the failure as a member of the error tree, with where it happened.
    """
    error = as_spine_error(caught).with_context(workflow=workflow, step=step.name, **(place or {})).without_secrets()
    if step.on_error is not OnError.CONTINUE:
        raise error from error.__cause__
    log.warning("step %s failed, and the workflow continues: %s", step.name, error)
    return replace(StepResult.failed(error, continued=True), output=dict(output or {}))


def place_of(params: Mapping[str, Any], outputs: Mapping[str, Mapping[str, Any]], run_id: str) -> dict[str, Any]:
    """Run, tier, week and capture that a step works on, as far as they are known: its params', else those of the newest
    receipt that names any."""
    place = {"run_id": run_id}
    for known in (params, *reversed(list(outputs.values()))):
        for name in ("tier", "week_ending", "capture_id"):
            if name not in place and isinstance(known.get(name), str) and known[name]:
                place[name] = known[name]
    return place


def _run_pipeline(action: PipelineCall, context: StepContext) -> StepResult:
    from spine.pipelines.registry import get_pipeline

    return get_pipeline(action.pipeline).run(_own_context(action.params, context))


def _run_handler(action: HandlerCall, context: StepContext) -> StepResult:
    handler = load_handler(action.handler, context.settings.handler_packages)
    own = _own_context(action.params, context)
    return handler(own, resolve(action.config, scope_of(own)))


def _run_choice(action: Choice, context: StepContext) -> StepResult:
    return run_choice(action, scope_of(context))


def run_choice(choice: Choice, scope: Scope) -> StepResult:
    """A choice's receipt; it needs no storage. :raises ConfigurationError: a name it does not know, a wrong type."""
    for number, case in enumerate(choice.cases):
        if parse_expression(case.when).truth(scope):
            return StepResult.done(f"{case.when} is true", **{CASE: number, "condition": True})
    last = choice.cases[-1].when
    message = f"{last} is false" if len(choice.cases) == 1 else f"none of its {len(choice.cases)} cases holds"
    return StepResult.done(message, **{CASE: len(choice.cases), "condition": False})


def _run_gate(action: Gate, context: StepContext) -> StepResult:
    scope = scope_of(context)
    broken = [check for check in action.checks if not parse_expression(check.check).truth(scope)]
    words = [check.message or f"{check.check} does not hold" for check in broken]
    grave = [text for text, check in zip(words, broken, strict=True) if check.severity is Severity.FAIL]
    if grave:
        raise ValidationError("; ".join(grave))
    for text in words:
        context.log.warning("%s", text)
    passed = f"{len(action.checks) - len(broken)} of {len(action.checks)} checks hold"
    told = {"checks": len(action.checks), "warnings": words}
    if action.suite is None:
        return StepResult.done("; ".join([passed, *words]), **told)
    from spine.quality.gate import run_gate

    judged = run_gate(context, action.suite, publish=action.publish)
    output = {**judged.output, "checks": len(action.checks), "warnings": [*words, *judged.output.get("warnings", [])]}
    said = [passed, *words, judged.message] if action.checks else [judged.message]
    return replace(judged, output=output, message="; ".join(said))


def _run_notify(action: Notify, context: StepContext) -> StepResult:
    from spine.alerts.notify import send, summarize

    text = summarize(context) if action.message is None else str(resolve(action.message, scope_of(context)))
    return send(context, text, action.channel)


_RUN: dict[type[Any], Callable[[Any, Any], StepResult]] = {
    PipelineCall: _run_pipeline,
    HandlerCall: _run_handler,
    Choice: _run_choice,
    Gate: _run_gate,
    Notify: _run_notify,
}


def scope_of(context: StepContext) -> Scope:
    """What expressions of a step see."""
    return Scope(context.params, context.outputs)


def _own_context(params: Mapping[str, Any], context: StepContext) -> StepContext:
    return replace(context, params={**context.params, **resolve(params, scope_of(context))})
