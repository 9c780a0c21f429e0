"""A plan says what a run would do, and says so when only the run can tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from spine.core.errors import ValidationError
from spine.workflows.plan import plan
from tests.support.workflows import workflow_of

TEXT = """
name: x
params:
  tier: {enum: [T1, T2], default: T1}
  tiers: {type: array, default: [T1, T2]}
steps:
  - {name: first, type: lambda, handler: tests.support.workflows.echo, config: {of: "${params.tier}"}}
  - {name: big, type: choice, condition: params.tier == 'T1', then_step: deep, else_step: shallow}
  - {name: deep, type: pipeline, pipeline: test.ok}
  - {name: shallow, type: pipeline, pipeline: test.ok, depends_on: [big], on_error: retry}
  - {name: asked, type: choice, condition: outputs.first.rows > 1, then_step: more, depends_on: [first]}
  - {name: more, type: wait, duration: 10m}
  - name: each
    type: map
    items: ${params.tiers}
    item: one
    depends_on: [first]
    steps: [{name: tell, type: notify, message: "${params.one}"}]
"""


def runs(tmp_path: Path, **params: object) -> dict[str, bool | None]:
    return {step.path: step.runs for step in plan(workflow_of(tmp_path, TEXT), params)}


def test_a_choice_over_params_is_decided(tmp_path: Path) -> None:
    found = runs(tmp_path)
    assert (found["deep"], found["shallow"]) == (True, False)
    found = runs(tmp_path, tier="T2")
    assert (found["deep"], found["shallow"]) == (False, True)


def test_a_choice_over_outputs_is_left_open(tmp_path: Path) -> None:
    assert runs(tmp_path)["more"] is None


def test_a_map_is_unrolled(tmp_path: Path) -> None:
    assert "each.T2.tell" in runs(tmp_path)
    assert "each.T9.tell" in runs(tmp_path, tiers=["T9"])


def test_values_are_filled_in(tmp_path: Path) -> None:
    does = {step.path: step.does for step in plan(workflow_of(tmp_path, TEXT), {"tier": "T2"})}
    assert does["first"] == "tests.support.workflows.echo of='T2'"
    assert does["shallow"] == "test.ok (up to 3 attempts)"
    assert does["more"] == "for 600.0"


def test_bad_params_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="tier"):
        plan(workflow_of(tmp_path, TEXT), {"tier": "T9"})
