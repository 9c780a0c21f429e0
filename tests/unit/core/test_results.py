"""Receipts: small, flat and JSON."""

from __future__ import annotations

import json

import pytest

from spine.core.errors import ErrorCategory, RateLimitError
from spine.core.results import StepResult, StepStatus


@pytest.mark.parametrize(
    ("result", "status", "ok"),
    [
        (StepResult.done("done", rows=1), "done", True),
        (StepResult.unchanged("same"), "unchanged", True),
        (StepResult.skipped("off"), "skipped", True),
        (StepResult.failed(KeyError("k")), "failed", False),
        (StepResult.failed(KeyError("k"), continued=True), "failed_continue", False),
    ],
    ids=["done", "unchanged", "skipped", "failed", "continued"],
)
def test_how_a_step_ended(result: StepResult, status: str, ok: bool) -> None:
    assert (str(result.status), result.ok) == (status, ok)
    assert json.loads(json.dumps(result.to_dict()))["status"] == status


def test_a_receipt_is_flat() -> None:
    assert StepResult.done("one row", rows=1, tier="T1").to_dict() == {
        "rows": 1,
        "tier": "T1",
        "status": "done",
        "message": "one row",
    }


def test_an_output_cannot_forge_the_status() -> None:
    assert StepResult(StepStatus.FAILED, {"status": "done"}).to_dict()["status"] == "failed"


def test_a_failure_tells_its_category_and_cause() -> None:
    result = StepResult.failed(RateLimitError("slow down", retry_after=3))
    assert result.category is ErrorCategory.RATE_LIMIT
    assert result.to_dict()["error"]["retry_after"] == 3
    assert StepResult.failed(OSError("gone")).category is ErrorCategory.SOURCE
    assert StepResult.done().category is None
