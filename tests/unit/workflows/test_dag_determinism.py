"""The same workflows give the same serialized DAGs, byte for byte: whatever process reads them, and however they are spelled."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.serialization.serialized_objects import DagSerialization
from hypothesis import given
from hypothesis import strategies as st

from spine.documents.document import read_document
from spine.workflows.dag_factory import build_dag
from tests.support.every_step import EVERY_STEP
from tests.support.paths import ROOT
from tests.support.workflows import PACKAGES, workflow_of, write

SCRIPT = """
import json, runpy, sys
from pathlib import Path
import tests.support.workflows
if sys.argv[2] == "reversed":
    found = Path.glob
    Path.glob = lambda folder, pattern: reversed(sorted(found(folder, pattern)))
from airflow.serialization.serialized_objects import DagSerialization
names = runpy.run_path(sys.argv[1])
print(json.dumps({name: DagSerialization.to_dict(dag) for name, dag in names.items() if type(dag).__name__ == "DAG"}))
"""


def parse_in_a_new_process(folder: Path, hash_seed: str, order: str) -> str:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "AIRFLOW__SPINE__INCLUDE_DIR": str(folder),
        "AIRFLOW__SPINE__HANDLER_PACKAGES": ",".join(PACKAGES),
    }
    command = [sys.executable, "-c", SCRIPT, str(ROOT / "dags/spine_workflows.py"), order]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()[-1]


def test_processes_hash_seeds_folders_and_orders_of_files_change_nothing(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "include/workflows", tmp_path / "one/workflows")
    write(tmp_path / "one/workflows", EVERY_STEP)
    shutil.copytree(tmp_path / "one", tmp_path / "elsewhere")
    first = parse_in_a_new_process(tmp_path / "one", "1", "as found")
    second = parse_in_a_new_process(tmp_path / "elsewhere", "2", "reversed")
    assert {"finra.weekly_refresh", "finra_otc_t1_publication", "all.of_it", "nightly"} <= json.loads(first).keys()
    by_name = [json.dumps(json.loads(each), sort_keys=True) for each in (first, second)]
    assert by_name[0] == by_name[1]


def serialized(text: str, folder: Path) -> str:
    workflow = workflow_of(folder, text)
    return "".join(
        json.dumps(DagSerialization.to_dict(build_dag(workflow, each))) for each in (None, *workflow.schedules)
    )


ORDERED = {"params"}  # the trigger form shows params in the order of the file


def shuffled(value: Any, chance: random.Random, key: str = "") -> Any:
    """The value with the keys of its mappings in another order, where that means nothing."""
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    if key not in ORDERED:
        chance.shuffle(keys)
    return {each: shuffled(value[each], chance, each) for each in keys}


@given(
    chance=st.randoms(use_true_random=False),
    flow=st.sampled_from([None, True, False]),
    indent=st.integers(2, 8),
    width=st.integers(20, 200),
)
def test_another_spelling_is_the_same_dag(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random, flow: bool | None, indent: int, width: int
) -> None:
    folder = tmp_path_factory.mktemp("spelling")
    document = read_document(write(folder, EVERY_STEP)).value
    text = yaml.safe_dump(
        shuffled(document, chance), default_flow_style=flow, indent=indent, width=width, sort_keys=False
    )
    assert serialized(text, folder) == serialized(EVERY_STEP, folder)


PLAIN = """
    name: x
    description: Two words.
    params: {a: {type: string, default: b}}
    steps:
      - {name: one, type: pipeline, pipeline: test.ok, timeout: 10m}
      - {name: way, type: choice, condition: params.a == 'b', then_step: last}
      - {name: last, type: notify, message: "10"}
    """


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("name: x", "# A comment.\n    name: x  # and another"),
        ("name: x", "name: 'x'\n    version: 1\n    tags: []\n    domain: null"),
        ("description: Two words.", "description: |\n      Two words.\n"),
        ("description: Two words.", "description: >-\n      Two\n      words."),
        ("timeout: 10m", "timeout: 600, on_error: stop, depends_on: null"),
        ("condition: params.a == 'b', then_step: last", "cases: [{when: params.a == 'b', then: last}]"),
        ("params: {a: {type: string, default: b}}", "params: {a: {type: string}}\n    defaults: {a: b}"),
        ('message: "10"', "message: '10'"),
    ],
)
def test_comments_quotes_and_what_counts_anyway_make_no_new_dag(before: str, after: str, tmp_path: Path) -> None:
    assert before in PLAIN
    assert serialized(PLAIN.replace(before, after), tmp_path) == serialized(PLAIN, tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Two words.", "Three words here."),
        ("default: b", "default: c"),
        ("timeout: 10m", "timeout: 11m"),
        ("test.ok", "test.unchanged"),
        ("'b', then_step", "'a', then_step"),
        ('message: "10"', 'message: "11"'),
    ],
)
def test_what_a_step_does_is_part_of_the_dag(before: str, after: str, tmp_path: Path) -> None:
    assert before in PLAIN
    assert serialized(PLAIN.replace(before, after), tmp_path) != serialized(PLAIN, tmp_path)


def test_the_text_and_the_place_of_a_file_do_not_reach_the_dag(tmp_path: Path) -> None:
    text = serialized(f"# canary-comment\n{EVERY_STEP}", tmp_path)
    assert "canary-comment" not in text
    assert str(tmp_path) not in text
