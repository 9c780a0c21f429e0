"""One document for each meaning: whatever spelling an author chose, and back to the same workflow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spine.documents.document import read_document
from spine.workflows.canonical import canonical_document, canonical_yaml
from spine.workflows.loader import load_workflow
from spine.workflows.model import Workflow
from spine.workflows.yaml_text import yaml_text
from tests.support.every_step import EVERY_STEP
from tests.support.paths import ROOT
from tests.support.workflows import PACKAGES, workflow_of, write

EXAMPLES = sorted((ROOT / "include/workflows").glob("*.yaml"))


def meaning(workflow: Workflow) -> Workflow:
    return replace(workflow, path=None, source="", tags=tuple(sorted(workflow.tags)))


def read_again(workflow: Workflow, folder: Path) -> Workflow:
    return load_workflow(write(folder, canonical_yaml(workflow), "again.yaml"), PACKAGES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_document_is_the_workflow(path: Path, tmp_path: Path) -> None:
    workflow = load_workflow(path)
    assert meaning(read_again(workflow, tmp_path)) == meaning(workflow)


def test_every_kind_of_step_survives(tmp_path: Path) -> None:
    workflow = workflow_of(tmp_path, EVERY_STEP)
    again = read_again(workflow, tmp_path)
    assert meaning(again) == meaning(workflow)
    assert canonical_yaml(again) == canonical_yaml(workflow)


def test_what_counts_anyway_is_not_written(tmp_path: Path) -> None:
    text = """
        version: 1
        name: x
        steps:
          - {pool: null, type: choice, cases: [{then: b, when: "true"}], name: a}
          - {name: b, on_error: stop, timeout: 600, type: notify}
        """
    assert canonical_yaml(workflow_of(tmp_path, text)).splitlines() == [
        "name: x",
        "steps:",
        "  - name: a",
        "    type: choice",
        '    condition: "true"',
        "    then_step: b",
        "  - name: b",
        "    type: notify",
        "    timeout: 10m",
    ]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), PLAIN, max_size=5))
def test_any_plain_values_read_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "plain.yaml"
    path.write_text(yaml_text({"value": value}), encoding="utf-8")
    document = read_document(path)
    assert document.problems == []
    assert document.value == {"value": value}
    assert yaml.safe_load(yaml_text({"value": value})) is not None


def test_an_example_of_the_text() -> None:
    value = {
        "text": "a, b",
        "block": "one\n\n two",
        "odd": "a: b",
        "list": [1, "x", "no", None],
        "maps": [{"a": 1, "b": []}],
    }
    assert yaml_text(value).splitlines() == [
        "text: a, b",
        "block: |-",
        "  one",
        "",
        "   two",
        'odd: "a: b"',
        'list: [1, x, "no", null]',
        "maps:",
        "  - a: 1",
        "    b: []",
    ]


def test_free_mappings_are_sorted_and_params_are_not(tmp_path: Path) -> None:
    text = """
        name: x
        params: {z: {type: string, enum: [b, a]}, a: {default: {y: 1, x: 2}}}
        steps: [{name: s, type: lambda, handler: tests.support.workflows.echo, config: {b: 1, a: 2}}]
        """
    document = canonical_document(workflow_of(tmp_path, text))
    assert list(document["params"]) == ["z", "a"]
    assert list(document["params"]["z"]) == ["enum", "type"]
    assert list(document["params"]["a"]["default"]) == ["x", "y"]
    assert list(document["steps"][0]["config"]) == ["a", "b"]
