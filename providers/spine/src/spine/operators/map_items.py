"""A map of a workflow as Airflow tasks: which items there are, one of them, and what became of all.

A map is laid out in one of two ways (``dag_map``): item by item, where each step of an item is a task; or mapped, where
each item is an instance of one task that runs the item's steps in its process.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from spine.operators.step import FAILURE, SpineStepOperator, log
from spine.operators.step_place import FIRST, ONE, MapItem, items_before, last_task, prefix_of
from spine.workflows.model import Map

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from spine.core.results import StepResult
    from spine.core.settings import Settings

ITEM_RECEIPT = "item"
"""XCom key of what became of one item."""


class MapItemsOperator(SpineStepOperator):
    """The list that a map's ``items`` gives. One that gives none is told by the map's result."""

    def execute(self, context: Context) -> list[Any]:  # type: ignore[override]
        from spine.core.errors import as_spine_error
        from spine.core.results import StepResult
        from spine.workflows.map_items import items_of

        assert isinstance(self.step.action, Map)
        try:
            return items_of(self.step.action, self.scope(context))
        except Exception as error:  # noqa: BLE001 - the map's on_error decides, which its result knows
            log.error("no items: %s", error)
            context["ti"].xcom_push(key=FAILURE, value=StepResult.failed(as_spine_error(error)).to_dict())
            return []


class MapItemOperator(BaseOperator):
    """The steps of one item, in this task's process.

    :param result_task: the task of the map's result, which knows the map. Nothing else may stand here: Airflow writes
        the arguments of a mapped task into the serialized DAG.
    :param item: the item.
    """

    def __init__(self, *, result_task: str, item: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.result_task = result_task
        self.item = item

    def execute(self, context: Context) -> None:
        """:raises SpineError: a step of the item failed, and is not passed over."""
        from spine.airflow_settings import load_settings

        assert self.dag is not None, "a task that runs belongs to a DAG"
        context.update({"spine_item": self.item})  # type: ignore[misc]  # for the label in the UI
        around = self.dag.get_task(self.result_task)
        assert isinstance(around, MapResultOperator)
        receipt = around.run_item(context, self.item, load_settings())
        context["ti"].xcom_push(key=ITEM_RECEIPT, value=receipt)
        _raise_failure(receipt)


class MapResultOperator(SpineStepOperator):
    """The map's receipt, when all of its items ended.

    :param items: slug and item of each, where the map is laid out item by item; None where it is mapped.
    """

    def __init__(self, *, items: Sequence[tuple[str, Any]] | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.items = items

    def run_item(self, context: Context, item: Any, settings: Settings) -> dict[str, Any]:
        """What became of one item, whose steps run here."""
        from spine.hooks.storage import StorageHook
        from spine.workflows.runner import run_item

        with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
            step_context = self._step_context(context, self.params_of_run(context), settings, storage)
            return run_item(
                self.action, item, step_context, within=f"{items_before(self.place)}{self.step.name}."
            ).receipt()

    @property
    def action(self) -> Map:
        assert isinstance(self.step.action, Map)
        return self.step.action

    def run_step(self, context: Context) -> StepResult:
        from spine.core.errors import SpineError
        from spine.workflows.map_items import receipt_of_items

        try:
            if self.items is not None:
                receipts = [self._laid_out(context, slug, item) for slug, item in self.items]
            else:
                receipts = self._mapped(context)
            return receipt_of_items(self.step, receipts, workflow=self.workflow.name, log=log)
        except SpineError as error:
            return self.settle(context, error)

    def _laid_out(self, context: Context, slug: str, item: Any) -> dict[str, Any]:
        place = (*self.place, MapItem(self.step.name, slug, item, self.action.item))
        tasks = {step.name: last_task(step, place) for step in self.action.steps}
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id], task_ids=list(tasks.values()))
        ended = states.get(ti.run_id, {})
        failed = any(ended.get(task) == "failed" for task in tasks.values())
        found = {
            name: ti.xcom_pull(task_ids=task) or ti.xcom_pull(task_ids=task, key=FAILURE)
            for name, task in tasks.items()
        }
        receipts = {name: receipt for name, receipt in found.items() if isinstance(receipt, dict)}
        return {"item": item, "state": "failed" if failed else "success", "steps": receipts}

    def _mapped(self, context: Context) -> list[dict[str, Any]]:
        """:raises SpineError: there are no items at all."""
        from spine.core.errors import error_from_dict

        ti, tasks = context["ti"], prefix_of(self.place) + self.step.name
        if failure := ti.xcom_pull(task_ids=f"{tasks}.{FIRST}", key=FAILURE):
            raise error_from_dict(failure["error"])
        items = ti.xcom_pull(task_ids=f"{tasks}.{FIRST}") or []
        pulled = ti.xcom_pull(task_ids=f"{tasks}.{ONE}", key=ITEM_RECEIPT, map_indexes=list(range(len(items))))
        return [_known(item, receipt) for item, receipt in zip(items, pulled, strict=True)]


def _known(item: Any, receipt: Mapping[str, Any] | None) -> dict[str, Any]:
    """The receipt, or what is known of a task that was killed before it could leave one."""
    if receipt is None:
        return {"item": item, "state": "failed", "steps": {}}
    return dict(receipt)


def _raise_failure(receipt: Mapping[str, Any]) -> None:
    from spine.core.errors import error_from_dict

    if receipt["state"] == "failed":
        failed = (each for each in receipt["steps"].values() if each["status"] == "failed")
        first: Mapping[str, Any] = next(failed, {})
        raise error_from_dict(first.get("error") or {"message": f"item {receipt['item']} failed"})
