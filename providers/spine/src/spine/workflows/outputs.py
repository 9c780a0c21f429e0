"""What the receipts of steps hold, as far as it is declared: the ground on which expressions are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from spine.core.errors import SpineError
from spine.core.results import declared_outputs
from spine.workflows.expression_types import Value, named_types
from spine.workflows.handlers import load_handler
from spine.workflows.model import HandlerCall, PipelineCall, Step, StepType

# Whatever the step did, its receipt has these.
_ALWAYS = {"status": "string", "message": "string", "error": "object"}
_BY_TYPE: dict[StepType, dict[str, str]] = {
    StepType.CHOICE: {"case": "number", "condition": "boolean"},
    StepType.MAP: {"items": "number", "failed": "array", "results": "array"},
    StepType.WAIT: {"until": "string", "seconds": "number", "tier": "string", "week_ending": "string"},
    StepType.GATE: {"checks": "number", "warnings": "array"},
    StepType.APPROVAL: {"approved": "boolean", "by": "string"},
    StepType.WORKFLOW: {"workflow": "string", "steps": "object"},
    StepType.NOTIFY: {"sent": "boolean", "text": "string"},
}


def outputs_of(step: Step, packages: Iterable[str] = ()) -> Mapping[str, Value] | None:
    """The keys of a step's receipt, or None where nobody declared them."""
    declared = _declared(step, tuple(packages))
    if declared is None:
        return None
    return {key: _value(types) for key, types in {**declared, **_ALWAYS}.items()}


def _declared(step: Step, packages: tuple[str, ...]) -> Mapping[str, str] | None:
    if isinstance(step.action, PipelineCall):
        from spine.pipelines.registry import pipeline_outputs

        return pipeline_outputs(step.action.pipeline)
    if isinstance(step.action, HandlerCall):
        try:
            handler: Callable[..., Any] = load_handler(step.action.handler, packages)
        except SpineError:  # told elsewhere, with its place
            return None
        return declared_outputs(handler)
    return _BY_TYPE[step.type]


def _value(types: str) -> Value:
    return named_types(types.split("|"))
