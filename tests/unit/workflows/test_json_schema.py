"""The published schema takes what the loader takes, and the committed files are what the tables say."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from jsonschema import Draft202012Validator

from spine.core.errors import ValidationError
from spine.documents.document import read_document
from spine.documents.problems import Code, DocumentError
from spine.workflows.explain import explain, reference
from spine.workflows.json_schema import workflow_schema
from spine.workflows.language import STEP_KINDS, step_keys
from spine.workflows.loader import load_workflow
from tests.support.paths import ROOT
from tests.support.workflows import PACKAGES
from tests.unit.workflows.test_loader_robustness import FLOWS

VALIDATOR = Draft202012Validator(workflow_schema())
# What the loader says of keys and kinds of values; the schema must find the same files at fault, or fewer.
KEYS_AND_KINDS = {Code.UNKNOWN_KEY, Code.MISSING_KEY, Code.WRONG_TYPE, Code.VALUE_NOT_ALLOWED, Code.KEY_DOES_NOT_FIT}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(workflow_schema())


def test_the_committed_schema_is_that_of_the_tables() -> None:
    committed = json.loads((ROOT / "include/workflows/workflow.schema.json").read_text())
    assert committed == workflow_schema(), "write it anew: airflow spine workflows schema"


def test_the_reference_is_that_of_the_tables() -> None:
    assert reference() in (ROOT / "docs/workflow-language.md").read_text(), "write it anew: explain --markdown"


@pytest.mark.parametrize("path", sorted((ROOT / "include/workflows").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_workflows_fit_and_name_the_schema(path: Path) -> None:
    VALIDATOR.validate(_plain(path))
    assert path.read_text().startswith("# yaml-language-server: $schema=")


@pytest.mark.parametrize("kind", STEP_KINDS, ids=lambda kind: str(kind.type))
def test_every_example_can_be_loaded(kind: Any, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    rest = "\n".join(f"- {{name: {name}, type: notify, depends_on: []}}" for name in ("load", "notify"))
    text = f"name: x\ndefaults: {{rows: 1, rejected: 0}}\nsteps:\n- {kind.example}\n"
    path.write_text(text + (rest if kind.type == "choice" else ""))
    assert load_workflow(path, PACKAGES).steps[0].type is kind.type
    VALIDATOR.validate(_plain(path))


@given(FLOWS)
def test_what_the_schema_refuses_the_loader_refuses(document: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        try:
            load_workflow(path, PACKAGES)
        except DocumentError:
            return
    VALIDATOR.validate(document)


def test_explain_knows_every_type_and_key() -> None:
    for kind in STEP_KINDS:
        assert kind.doc in explain(str(kind.type))
        for key in step_keys(kind.type):
            assert key.doc in explain(key.name)
    assert "max_attempts" in explain("retry")
    assert "map" in explain()


def test_explain_suggests() -> None:
    with pytest.raises(ValidationError, match="did you mean 'depends_on'"):
        explain("depend_on")


def _plain(path: Path) -> Any:
    return read_document(path).value
