"""Where a step holds expressions: conditions, and ``${...}`` references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spine.workflows.model import (
    Approval,
    Choice,
    Gate,
    HandlerCall,
    Map,
    Notify,
    PipelineCall,
    Step,
    Wait,
    WorkflowCall,
)
from spine.workflows.references import OPENING, references

Found = tuple[tuple[str | int, ...], str, int]
"""Keys that lead to it within the step, its text, and how many characters stand before it in the value there."""

_REFERENCE_KEYS: dict[type[Any], tuple[str, ...]] = {
    PipelineCall: ("params",),
    HandlerCall: ("params", "config"),
    WorkflowCall: ("params",),
    Map: ("items",),
    Wait: ("duration", "until", "publication"),
    Notify: ("message",),
    Approval: ("subject", "body"),
}


def conditions_of(step: Step) -> Iterator[Found]:
    """Expressions that must be true or false."""
    if isinstance(step.action, Choice):
        for number, case in enumerate(step.action.cases):
            yield ("condition",) if step.action.flat else ("cases", number, "when"), case.when, 0
    elif isinstance(step.action, Gate):
        for number, check in enumerate(step.action.checks):
            yield ("checks", number, "check"), check.check, 0


def references_of(step: Step) -> Iterator[Found]:
    """``${...}`` references, whose value may be anything."""
    for key in _REFERENCE_KEYS.get(type(step.action), ()):
        for where, text in references(getattr(step.action, key), key):
            yield where, text, len(OPENING)


def step_expressions(step: Step) -> Iterator[Found]:
    """All of them."""
    yield from conditions_of(step)
    yield from references_of(step)
