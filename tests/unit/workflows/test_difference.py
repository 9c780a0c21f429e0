"""Only what a workflow does counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from spine.workflows.difference import differences
from tests.support.workflows import workflow_of

OLD = """
name: x
tags: [a]
params: {n: {type: integer, default: 1}}
steps:
  - {name: a, type: pipeline, pipeline: test.ok}
  - {name: c, type: choice, condition: params.n > 1, then_step: b, else_step: d}
  - {name: b, type: pipeline, pipeline: test.ok, timeout: 60}
  - {name: d, type: map, items: [1], steps: [{name: i, type: notify}]}
"""


def changes(tmp_path: Path, old: str, new: str) -> list[str]:
    assert old != new
    return differences(workflow_of(tmp_path, old), workflow_of(tmp_path, new))


def test_spelling_is_no_difference(tmp_path: Path) -> None:
    block = OLD.replace(
        "{name: a, type: pipeline, pipeline: test.ok}", "pipeline: 'test.ok'  # first\n    type: pipeline\n    name: a"
    )
    assert changes(tmp_path, OLD, block) == []
    cases = OLD.replace("condition: params.n > 1, then_step: b", "cases: [{when: params.n > 1, then: b}]")
    assert changes(tmp_path, OLD, cases) == []
    assert changes(tmp_path, OLD, OLD.replace("timeout: 60", "timeout: 1m")) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("tags: [a]", "tags: [a, b]", "~ tags: ['a'] -> ['a', 'b']"),
        ("default: 1", "default: 2", "~ params.n.default: 1 -> 2"),
        ("timeout: 60", "timeout: 61", "~ steps.b.timeout: 60.0 -> 61.0"),
        ("params.n > 1", "params.n > 2", "~ steps.c.cases: "),
        ("type: notify", "type: notify, channel: q", "~ steps.d.i.channel: None -> 'q'"),
        ("name: b, type: pipeline", "name: b, depends_on: [a, c], type: pipeline", "~ steps.b runs after: c -> a, c"),
        ("steps:\n", "steps:\n  - {name: z, type: notify}\n", "+ steps.z (a notify step)"),
    ],
)
def test_a_difference_is_told(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert any(line.startswith(told) for line in changes(tmp_path, OLD, OLD.replace(old, new)))
