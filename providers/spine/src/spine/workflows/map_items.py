"""The items of a map, and what became of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from spine.core.errors import PartialFailure, ValidationError
from spine.core.results import StepResult
from spine.workflows.conditions import Scope
from spine.workflows.graph import StepState
from spine.workflows.references import resolve
from spine.workflows.steps import settle_failure

if TYPE_CHECKING:
    from spine.workflows.model import Map, Step

MAX_ITEMS = 1_000


class Ended(Protocol):
    """How a step ended."""

    @property
    def state(self) -> StepState: ...
    @property
    def result(self) -> StepResult | None: ...


@dataclass(frozen=True, slots=True)
class ItemRun:
    """The steps of one item, and those of the maps among them as ``map.item.step``."""

    item: Any
    steps: Mapping[str, Ended]

    def receipt(self) -> dict[str, Any]:
        """JSON-ready: the item, how it went, and the receipts of its own steps; a map's holds those of its items."""
        own = {name: step for name, step in self.steps.items() if "." not in name}
        receipts = {name: step.result.to_dict() for name, step in own.items() if step.result is not None}
        failed = any(step.state is StepState.FAILED for step in own.values())
        state = StepState.FAILED if failed else StepState.SUCCESS
        return {"item": self.item, "state": str(state), "steps": receipts}


def items_of(action: Map, scope: Scope) -> list[Any]:
    """The items, resolved.

    :raises ValidationError: a reference gave no list, or too long a one.
    """
    items = resolve(action.items, scope)
    if not isinstance(items, list):
        raise ValidationError(f"items {action.items} is {type(items).__name__} {items!r:.80}, expected a list")
    if len(items) > MAX_ITEMS:
        raise ValidationError(f"items has {len(items):,} entries, at most {MAX_ITEMS:,} are run; split the list")
    return items


def map_receipt(step: Step, runs: Sequence[ItemRun], *, workflow: str, log: logging.Logger) -> StepResult:
    """The receipt of a whole map.

    :raises PartialFailure: an item failed, and the author does not pass over that; all others are complete.
    """
    return receipt_of_items(step, [run.receipt() for run in runs], workflow=workflow, log=log)


def receipt_of_items(
    step: Step, receipts: Sequence[Mapping[str, Any]], *, workflow: str, log: logging.Logger
) -> StepResult:
    """The same from the receipts of its items."""
    failed = [each["item"] for each in receipts if each["state"] == StepState.FAILED]
    output = {"items": len(receipts), "failed": failed, "results": list(receipts)}
    if not failed:
        return StepResult.done(f"{len(receipts)} items", **output)
    words = ", ".join(map(str, failed[:10])) + (", ..." if len(failed) > 10 else "")
    error = PartialFailure(f"{len(failed)} of {len(receipts)} items failed: {words}; {_first_message(receipts)}")
    return settle_failure(step, error, workflow=workflow, log=log, output=output)


def _first_message(receipts: Sequence[Mapping[str, Any]]) -> str:
    for each in receipts:
        for name, receipt in each["steps"].items():
            if each["state"] == StepState.FAILED and receipt.get("error"):
                return f"{each['item']}: step {name}: {receipt['message']}"
    return "see their logs"
