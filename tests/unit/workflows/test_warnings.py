"""Warnings are told by the linter and stop nobody."""

from __future__ import annotations

from pathlib import Path

from spine.workflows.loader import load_workflow, problems_of
from tests.support.paths import ROOT
from tests.support.workflows import PACKAGES, write

BOTH = """
name: x
steps:
- {name: c, type: choice, condition: 'true', then_step: a, else_step: b}
- {name: a, type: notify}
- {name: b, type: notify}
"""


def told(folder: Path, text: str) -> list[str]:
    path = write(folder, text)
    load_workflow(path, PACKAGES)  # it can be used
    return [str(problem).removeprefix(f"{path}:") for problem in problems_of(path, PACKAGES)]


def test_two_ways_that_both_run(tmp_path: Path) -> None:
    (warning,) = told(tmp_path, BOTH)
    assert warning.startswith("5:3 W001 when choice 'c' goes to 'a', its other way 'b' runs too")
    assert told(tmp_path, BOTH.replace("name: b, type: notify", "name: b, type: notify, depends_on: [c]")) == []
    assert told(tmp_path, BOTH.replace("name: b, type: notify", "name: b, type: notify, depends_on: [c, a]")) == []


def test_a_choice_that_leads_nowhere(tmp_path: Path) -> None:
    (warning,) = told(
        tmp_path,
        "name: x\nsteps:\n- {name: c, type: choice, condition: 'true', then_step: a}\n- {name: a, type: notify}",
    )
    assert warning == "3:3 W002 choice 'c' leads nowhere when nothing holds; give it an else_step"


def test_a_chain_that_is_long(tmp_path: Path) -> None:
    steps = "\n".join(f"- {{name: s{number}, type: notify}}" for number in range(21))
    (warning,) = told(tmp_path, f"name: x\nsteps:\n{steps}")
    assert warning.startswith("23:3 W003 more than 20 steps")
    assert told(tmp_path, f"name: x\nsteps:\n{steps[: steps.rindex(chr(10))]}") == []


def test_shipped_workflows_have_none() -> None:
    for path in sorted((ROOT / "include/workflows").glob("*.yaml")):
        assert problems_of(path) == ()
