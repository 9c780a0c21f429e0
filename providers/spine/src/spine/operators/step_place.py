"""Where a task stands in its workflow: inside which maps, and under which ids the receipts it may read are found.

Task ids: a step has its own name; in a map that is laid out item by item, ``<map>.<item>.<step>``. A map itself is
``<map>.items``, where it begins, and ``<map>.result``, whose receipt is the map's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spine.workflows.graph import build_graph
from spine.workflows.model import Map, Step, Workflow

FIRST, LAST, ENDED, ONE = "items", "result", "ended", "item"
"""The tasks of a map: where it begins, its receipt, when every item ended, and (mapped) one item."""


@dataclass(frozen=True, slots=True)
class MapItem:
    """A map around a task, and the item of it that the task works on.

    :param name: the map's.
    :param slug: the item's part in task ids.
    :param param: the param that holds the item.
    """

    name: str
    slug: str
    item: Any
    param: str


Place = tuple[MapItem, ...]
"""The maps around a task, the outermost first."""


def prefix_of(place: Place) -> str:
    """What stands before a step's name in its task id."""
    return "".join(f"{each.name}.{each.slug}." for each in place)


def items_before(place: Place) -> str:
    """What stands before a step's name where items have no slugs: in the in-process runner, and in dead letters."""
    return "".join(f"{each.name}.{each.item}." for each in place)


def first_task(step: Step, place: Place) -> str:
    """The task that everything before the step leads to."""
    return prefix_of(place) + (f"{step.name}.{FIRST}" if isinstance(step.action, Map) else step.name)


def last_task(step: Step, place: Place) -> str:
    """The task whose receipt is the step's."""
    return prefix_of(place) + (f"{step.name}.{LAST}" if isinstance(step.action, Map) else step.name)


def siblings(workflow: Workflow, place: Place) -> tuple[Step, ...]:
    """The steps of the list that is laid out at a place."""
    steps = workflow.steps
    for each in place:
        action = _named(each.name, steps).action
        assert isinstance(action, Map), "only maps have steps inside"
        steps = action.steps
    return steps


def readable_tasks(workflow: Workflow, step: Step, place: Place) -> dict[str, str]:
    """The task of every step whose receipt this one may read, by step name; inner names hide outer ones."""
    found = {}
    for depth, name in enumerate([*(each.name for each in place), step.name]):
        steps = siblings(workflow, place[:depth])
        for before in build_graph(steps).ancestors(name):
            found[before] = last_task(_named(before, steps), place[:depth])
    return found


def items_at(place: Place) -> dict[str, Any]:
    """The params that the maps around a task set."""
    return {each.param: each.item for each in place}


def tasks_of(names: Iterable[str], workflow: Workflow, place: Place) -> list[str]:
    """The first tasks of siblings."""
    steps = siblings(workflow, place)
    return [first_task(_named(name, steps), place) for name in names]


def _named(name: str, steps: tuple[Step, ...]) -> Step:
    return next(step for step in steps if step.name == name)
