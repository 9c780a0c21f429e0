"""Whatever the shape of a workflow, the runner ends every step as the reference interpreter says."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from spine.core.settings import Settings
from spine.documents.problems import DocumentError
from spine.workflows.loader import load_workflow
from spine.workflows.model import Workflow
from spine.workflows.runner import run_workflow
from tests.support.any_workflow import documents, expected
from tests.support.workflows import PACKAGES, settings_for


def loaded(document: dict[str, Any], folder: str) -> Workflow:
    path = Path(folder) / "drawn.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return load_workflow(path, PACKAGES)


def settings_of(folder: str) -> Settings:
    return settings_for(Path(folder))


@settings(max_examples=300)
@given(documents(), st.booleans())
def test_every_step_ends_as_the_interpreter_says(document: dict[str, Any], yes: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            workflow = loaded(document, folder)
        except DocumentError:
            event("refused")
            assume(False)
        storage: Any = None  # no step of these asks it
        ended = run_workflow(
            workflow, {"yes": yes}, storage=storage, settings=settings_of(folder), sleep=lambda seconds: None
        )
    states = expected(document, yes=yes)
    assert {name: str(step.state) for name, step in ended.steps.items()} == states
    failed = any(state == "failed" for name, state in states.items() if "." not in name)
    assert str(ended.state) == ("failed" if failed else "success")
    for state in sorted(set(states.values())):
        event(state)
