"""The tasks of a workflow and how they hang together, maps laid out.

a map's items                                              its tasks
---------------------------------------------------------  ------------------------------------------------------
a literal list, all at once, ``on_error: stop``            item by item: each step of each item is a task
else                                                       mapped: one task, an instance for each item

<map>.items    where the map begins: what leads to the map leads here, and the choice that skips it skips this
<map>.ended    all items ended, one way or another
<map>.result   the map's receipt; the steps behind the map wait for this
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import BaseOperator, TaskGroup, TriggerRule
from airflow.sdk.definitions.mappedoperator import MappedOperator

from spine.operators.map_items import MapItemOperator, MapItemsOperator, MapResultOperator
from spine.operators.step_place import ENDED, FIRST, LAST, ONE, MapItem, prefix_of
from spine.workflows.dag_tasks import Ground, make_task, task_options, trigger_rule
from spine.workflows.graph import Graph, build_graph
from spine.workflows.model import Map, OnError, Step

MAX_LAID_OUT = 50  # more items make a DAG that nobody can look at
_RESERVED = frozenset({FIRST, LAST, ENDED, ONE})


@dataclass(frozen=True, slots=True)
class Ends:
    """The tasks of a step that others are tied to."""

    first: BaseOperator
    last: BaseOperator


def lay_out(steps: tuple[Step, ...], ground: Ground) -> dict[str, Ends]:
    """The tasks of a list of steps, tied to each other; by step name."""
    graph = build_graph(steps)
    tasks = {step.name: _tasks_of(step, ground, joins=graph.joins(step.name)) for step in steps}
    for name, ends in tasks.items():
        if before := graph.upstream[name]:
            ends.first.set_upstream([tasks[each].last for each in before])
    return tasks


def _tasks_of(step: Step, ground: Ground, *, joins: bool) -> Ends:
    if isinstance(step.action, Map):
        return _map(step, step.action, ground, joins)
    task = make_task(step, ground, joins=joins)
    return Ends(task, task)


def _map(step: Step, action: Map, ground: Ground, joins: bool) -> Ends:
    group = TaskGroup(step.name, dag=ground.dag, parent_group=ground.group, tooltip=step.description)
    within = replace(ground, group=group, pool=step.pool or ground.pool)
    laid_out = slugs(action.items) if isinstance(action.items, list) and is_laid_out(step, action) else None
    begin = _begin(step, within, joins, laid_out is not None)
    ended = EmptyOperator(task_id=ENDED, dag=ground.dag, task_group=group, trigger_rule=TriggerRule.ALL_DONE)
    result = MapResultOperator(
        task_id=LAST,
        workflow=ground.workflow,
        step=step,
        place=ground.place,
        items=laid_out,
        **task_options(step, within),
    )
    result.set_upstream([begin, ended])
    if laid_out is None:
        assert isinstance(begin, MapItemsOperator)
        ended.set_upstream(_mapped(step, action, within, begin))
    for slug, item in laid_out or ():
        _item(step, action, within, slug, item, begin, ended)
    return Ends(begin, result)


def _begin(step: Step, ground: Ground, joins: bool, laid_out: bool) -> BaseOperator:
    if laid_out:
        return EmptyOperator(task_id=FIRST, dag=ground.dag, task_group=ground.group, trigger_rule=trigger_rule(joins))
    options = {**task_options(step, ground, joins), "outlets": []}
    return MapItemsOperator(task_id=FIRST, workflow=ground.workflow, step=step, place=ground.place, **options)


def _item(
    step: Step, action: Map, ground: Ground, slug: str, item: Any, begin: BaseOperator, ended: BaseOperator
) -> None:
    """One item's tasks, between where the map begins and where it has ended."""
    group = TaskGroup(slug, dag=ground.dag, parent_group=ground.group)
    place = (*ground.place, MapItem(step.name, slug, item, action.item))
    tasks = lay_out(action.steps, replace(ground, group=group, place=place))
    graph = build_graph(action.steps)
    for name, ends in tasks.items():
        if not graph.upstream[name]:
            ends.first.set_upstream(begin)
    ended.set_upstream([tasks[name].last for name in _unwatched(graph)])


def _unwatched(graph: Graph) -> list[str]:
    """The steps that may be at work when all others have ended: a join need not wait for all that leads to it."""
    names = [step.name for step in graph.steps]
    return [name for name in names if all(graph.joins(behind) for behind in graph.downstream(name))]


def _mapped(step: Step, action: Map, ground: Ground, begin: MapItemsOperator) -> MappedOperator:
    options = task_options(step, ground)
    return MapItemOperator.partial(
        task_id=ONE,
        result_task=f"{prefix_of(ground.place)}{step.name}.{LAST}",
        do_xcom_push=False,
        max_active_tis_per_dagrun=action.max_concurrency,
        map_index_template="{{ spine_item }}",
        **{**options, "outlets": []},
    ).expand(item=begin.output)


def is_laid_out(step: Step, action: Map) -> bool:
    """Whether each step of each item becomes a task of its own."""
    if not isinstance(action.items, list) or step.on_error is not OnError.STOP or len(action.items) > MAX_LAID_OUT:
        return False
    return action.max_concurrency is None or action.max_concurrency >= len(action.items)


def slugs(items: Sequence[Any]) -> list[tuple[str, Any]]:
    """Each item with its part in task ids: the item as text, where that is usable and no other has it."""
    taken: set[str] = set(_RESERVED)
    named = []
    for number, item in enumerate(items, 1):
        slug = re.sub(r"[^A-Za-z0-9_-]+", "_", item)[:40] if isinstance(item, str) else _of_value(item, number)
        slug = slug if slug and slug not in taken else f"{slug or 'item'}_{number}"
        taken.add(slug)
        named.append((slug, item))
    return named


def _of_value(item: Any, number: int) -> str:
    return (
        f"item_{number}"
        if isinstance(item, (Mapping, list)) or item is None
        else re.sub(r"[^A-Za-z0-9_-]+", "_", str(item))
    )
