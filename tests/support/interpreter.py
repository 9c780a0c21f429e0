"""The semantics of docs/workflow-language.md once more, in a page, over the plain values of a file.

Tests hold the in-process runner and Airflow against it. It shares nothing with ``spine.workflows`` but the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Steps = list[dict[str, Any]]
Outcome = Callable[[dict[str, Any], Mapping[str, Any]], bool]
"""Whether a step works when it is run, its attempts used up; given the step and the params it sees."""
Holds = Callable[[str, Mapping[str, Any]], bool]
"""Whether a condition holds."""


def interpret(steps: Steps, params: Mapping[str, Any], works: Outcome, holds: Holds) -> dict[str, str]:
    """The state of every step, those of maps as ``map.item.step``."""
    states: dict[str, str] = {}
    skipped: set[str] = set()
    while len([name for name in states if "." not in name]) < len(steps):
        for step in steps:
            before = runs_after(step, steps)
            if step["name"] in states or not before <= states.keys():
                continue
            state = state_before([states[name] for name in before])
            if step["name"] in skipped:
                state = "skipped"
            if state is None:
                state = run(step, steps, params, works, holds, states, skipped)
            states[step["name"]] = state
    return states


def run(
    step: dict[str, Any], steps: Steps, params: Mapping[str, Any], works: Outcome, holds: Holds,
    states: dict[str, str], skipped: set[str],
) -> str:  # fmt: skip
    if step["type"] == "choice":
        taken = way(step, steps, params, holds)
        kept = {taken} | (descendants(taken, steps) if taken else set())
        skipped |= {each["name"] for each in steps if step["name"] in runs_after(each, steps)} - kept
        return "success"
    if step["type"] == "map":
        good = True
        for item in step["items"]:
            inner = interpret(step["steps"], {**params, step["item"]: item}, works, holds)
            states.update({f"{step['name']}.{item}.{name}": state for name, state in inner.items()})
            good = good and "failed" not in [state for name, state in inner.items() if "." not in name]
    else:
        good = works(step, params)
    return "success" if good or step.get("on_error") == "continue" else "failed"


def state_before(states: list[str]) -> str | None:
    """What becomes of a step whose predecessors ended so; None: it runs."""
    if "failed" in states or "upstream_failed" in states:
        return "upstream_failed"
    return "skipped" if states and set(states) == {"skipped"} else None


def runs_after(step: dict[str, Any], steps: Steps) -> set[str]:
    index = steps.index(step)
    if "depends_on" in step:
        before = set(step["depends_on"])
    else:
        before = {steps[index - 1]["name"]} if index and steps[index - 1]["type"] != "choice" else set()
    return before | {each["name"] for each in steps if each["type"] == "choice" and step["name"] in ways(each, steps)}


def cases(choice: dict[str, Any]) -> list[tuple[str, str]]:
    """Conditions with where they lead."""
    if "cases" in choice:
        return [(case["when"], case["then"]) for case in choice["cases"]]
    return [(choice["condition"], choice["then_step"])]


def otherwise(choice: dict[str, Any], steps: Steps) -> str | None:
    if "else_step" in choice:
        return str(choice["else_step"])
    names = [step["name"] for step in steps]
    behind = max(names.index(target) for _, target in cases(choice)) + 1
    return names[behind] if behind < len(steps) and "depends_on" not in steps[behind] else None


def ways(choice: dict[str, Any], steps: Steps) -> set[str | None]:
    return {target for _, target in cases(choice)} | {otherwise(choice, steps)} - {None}


def way(choice: dict[str, Any], steps: Steps, params: Mapping[str, Any], holds: Holds) -> str | None:
    return next((target for when, target in cases(choice) if holds(when, params)), otherwise(choice, steps))


def descendants(name: str, steps: Steps) -> set[str]:
    direct = {step["name"] for step in steps if name in runs_after(step, steps)}
    return direct.union(*(descendants(each, steps) for each in direct))
