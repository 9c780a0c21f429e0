"""Workflows of every shape, for property tests: chains, branches, joins, passed-over failures, retries, maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from spine.core.errors import SourceError, TransientError
from spine.core.results import StepResult
from spine.pipelines.context import StepContext
from tests.support.interpreter import interpret

_TRIES: Counter[tuple[str, str]] = Counter()
ITEMS = ["x", "y"]
_ATTEMPTS = 2
_CONDITIONS = ["true", "false", "params.yes", "not params.yes", "default(params.yes, false)"]


def fail_as_told(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """A handler. Config: ``name``, ``failures`` (attempts that fail first), ``for_ever``, ``only_item``."""
    if config["only_item"] in (None, context.params.get("item")):
        key = (context.run_id, f"{config['name']}.{context.params.get('item')}")
        _TRIES[key] += 1
        if config["for_ever"]:
            raise SourceError("as told")
        if _TRIES[key] <= config["failures"]:
            raise TransientError("as told")
    return StepResult.done(rows=1)


def works(step: dict[str, Any], params: Mapping[str, Any]) -> bool:
    """What ``fail_as_told`` comes to when its attempts are used up."""
    config = step["config"]
    if config["only_item"] not in (None, params.get("item")):
        return True
    attempts = _ATTEMPTS if step.get("on_error") == "retry" else 1
    return not config["for_ever"] and config["failures"] < attempts


def holds(condition: str, params: Mapping[str, Any]) -> bool:
    yes = bool(params["yes"])
    return {"true": True, "false": False, "not params.yes": not yes}.get(condition, yes)


def expected(document: dict[str, Any], *, yes: bool) -> dict[str, str]:
    """The states that the reference interpreter comes to."""
    return interpret(document["steps"], {"yes": yes}, works, holds)


@st.composite
def tasks(draw: st.DrawFn, name: str) -> dict[str, Any]:
    config = {
        "name": name,
        "failures": draw(st.sampled_from([0, 0, 0, 1, 2])),
        "for_ever": draw(st.sampled_from([False, False, False, True])),
        "only_item": draw(st.sampled_from([None, *ITEMS])) if "in" in name else None,
    }
    step = {"name": name, "type": "lambda", "handler": f"{__name__}.fail_as_told", "config": config}
    on_error = draw(st.sampled_from([None, "stop", "continue", "retry"]))
    if on_error:
        step["on_error"] = on_error
    if on_error == "retry":
        step["retry"] = {"max_attempts": _ATTEMPTS, "initial_delay": 0.001}
    return step


@st.composite
def choices(draw: st.DrawFn, name: str, later: list[str]) -> dict[str, Any]:
    condition = st.sampled_from(_CONDITIONS)
    target = st.sampled_from(later)
    if draw(st.booleans()):
        step = {"name": name, "type": "choice", "condition": draw(condition), "then_step": draw(target)}
    else:
        case = st.fixed_dictionaries({"when": condition, "then": target})
        step = {"name": name, "type": "choice", "cases": draw(st.lists(case, min_size=1, max_size=3))}
    if draw(st.booleans()):
        step["else_step"] = draw(target)
    return step


@st.composite
def maps(draw: st.DrawFn, name: str) -> dict[str, Any]:
    inner = [draw(tasks(f"{name}in{number}")) for number in range(draw(st.integers(1, 2)))]
    step: dict[str, Any] = {"name": name, "type": "map", "items": ITEMS, "item": "item", "steps": inner}
    if draw(st.booleans()):
        step["on_error"] = "continue"
    return step


@st.composite
def documents(draw: st.DrawFn, most_steps: int = 7) -> dict[str, Any]:
    """A workflow file's values. Some are refused by the loader: branches that could not run as drawn."""
    names = [f"s{number}" for number in range(draw(st.integers(1, most_steps)))]
    steps = []
    for number, name in enumerate(names):
        later = names[number + 1 :]
        kind = draw(st.sampled_from(["task", "task", "task", "map", *(["choice"] * 3 if later else [])]))
        step = draw(choices(name, later) if kind == "choice" else maps(name) if kind == "map" else tasks(name))
        if number and draw(st.sampled_from([False, False, True])):
            step["depends_on"] = sorted(draw(st.sets(st.sampled_from(names[:number]), max_size=2)))
        steps.append(step)
    return {"name": "drawn", "params": {"yes": {"type": "boolean", "default": False}}, "steps": steps}
