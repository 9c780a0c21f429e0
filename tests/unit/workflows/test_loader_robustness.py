"""Whatever a file holds, it is a workflow or a DocumentError."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from spine.documents.problems import DocumentError
from spine.workflows.graph import build_graph
from spine.workflows.language import WORKFLOW, step_keys
from spine.workflows.loader import load_workflow
from spine.workflows.model import StepType
from tests.support.workflows import PACKAGES

STEP_KEYS = {key.name for step_type in StepType for key in step_keys(step_type)}
WORKFLOW_KEYS = {key.name for key in WORKFLOW.keys}
NAMES = st.sampled_from(["a", "b", "c", "d"])
ODD = st.none() | st.booleans() | st.integers(-1, 3) | st.text(max_size=3) | st.lists(NAMES, max_size=2)
CONDITIONS = st.sampled_from(["true", "not x", "params.a", "f()", "1 <", "outputs.b.c == 1", "${"])
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "name": NAMES,
    "type": st.sampled_from([*StepType, "choice", "map", "nope"]).map(str),
    "pipeline": st.sampled_from(["test.ok", "test.nope"]),
    "handler": st.sampled_from(["tests.support.workflows.echo", "tests.support.nope", "x", ".", "os.system"]),
    "params": st.dictionaries(NAMES, CONDITIONS.map(lambda text: f"${{{text}}}"), max_size=2),
    "config": st.dictionaries(NAMES, ODD, max_size=2),
    "condition": CONDITIONS,
    "then_step": NAMES,
    "else_step": NAMES,
    "on_error": st.sampled_from(["stop", "continue", "retry"]),
    "depends_on": st.lists(NAMES, max_size=2),
    "cases": st.lists(st.fixed_dictionaries({"when": CONDITIONS, "then": NAMES}) | ODD, max_size=3) | ODD,
    "items": st.lists(NAMES, max_size=2) | st.sampled_from(["${params.a}", "${1}", "x"]),
    "checks": st.lists(CONDITIONS | st.fixed_dictionaries({"check": CONDITIONS}) | ODD, max_size=2),
    "duration": st.sampled_from([1, "10m", "x", "${params.a}", -1]),
    "until": st.sampled_from(["18:30", "2026-01-01", "x", "${params.a}"]),
    "subject": NAMES,
    "workflow": NAMES,
    "retry": st.dictionaries(st.sampled_from(["max_attempts", "multiplier", "x"]), st.integers(0, 3), max_size=2),
}


def _steps(nested: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    others = {key: LIKELY.get(key, ODD) for key in sorted(STEP_KEYS - {"name", "type", "steps"})}
    return st.fixed_dictionaries({key: LIKELY[key] for key in ("name", "type")}, optional={**others, "steps": nested})


STEPS = _steps(st.lists(_steps(ODD), max_size=2) | ODD)
FLOWS = st.fixed_dictionaries(
    {"name": NAMES, "steps": st.lists(STEPS, max_size=5) | st.lists(STEPS | ODD, max_size=2) | ODD},
    optional={key: ODD | st.dictionaries(NAMES, ODD, max_size=2) for key in sorted(WORKFLOW_KEYS - {"name", "steps"})},
)


@given(FLOWS | ODD)
def test_any_document_is_a_workflow_or_a_workflow_error(document: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        try:
            workflow = load_workflow(path, PACKAGES)
        except DocumentError as error:
            assert error.problems
            return
        assert set(build_graph(workflow.steps).order()) == {step.name for step in workflow.steps}


@given(st.text(max_size=60) | st.text(alphabet="ab:-[]{}&*!?|>'\"# \n\t<", max_size=60))
def test_any_text_is_a_workflow_or_a_workflow_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.yaml"
        path.write_bytes(text.encode("utf-8", errors="replace"))
        try:
            load_workflow(path)
        except DocumentError as error:
            assert error.problems
