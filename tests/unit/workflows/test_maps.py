"""Maps in one process: their receipts, and what a failed item does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spine.workflows.runner import run_workflow
from tests.support.workflows import settings_for, workflow_of

NESTED = """
    name: x
    steps:
      - name: outer
        type: map
        items: [a, b]
        steps:
          - name: inner
            type: map
            items: [1, 2]
            item: number
            on_error: {on_error}
            steps: [{{name: check, type: gate, checks: ["params.number == 1 or params.item == 'a'"]}}]
    """


@pytest.mark.parametrize(("on_error", "failed", "state"), [("continue", [], "success"), ("stop", ["b"], "failed")])
def test_a_map_within_decides_over_its_own_items(on_error: str, failed: list[str], state: str, tmp_path: Path) -> None:
    storage: Any = None
    workflow = workflow_of(tmp_path, NESTED.format(on_error=on_error))
    ended = run_workflow(workflow, {}, storage=storage, settings=settings_for(tmp_path))
    if state == "success":
        receipt = ended.results["outer"].output
        assert receipt["failed"] == failed
        assert [list(each["steps"]) for each in receipt["results"]] == [["inner"], ["inner"]]
        assert receipt["results"][1]["steps"]["inner"]["failed"] == [2]
    else:
        assert ended.results["outer"].message.startswith("1 of 2 items failed: b")
    assert ended.state == state
