"""What a parse of the DAG file imports beyond Airflow's SDK: it is paid every thirty seconds, and at the start of every task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.every_step import EVERY_STEP
from tests.support.paths import ROOT
from tests.support.workflows import write

# croniter: Airflow's own, for crons. Nothing else comes from outside.
ALLOWED = {"airflow", "spine", "croniter", *sys.stdlib_module_names}
SCRIPT = """
import json, runpy, sys
import airflow.sdk
from airflow.sdk import DAG, BaseOperator, Param, TaskGroup
before = set(sys.modules)
if len(sys.argv) > 2:
    import tests.support.workflows  # registers the pipelines of the test; its own imports are not the parse's
    before = set(sys.modules)
dags = [name for name, value in runpy.run_path(sys.argv[1]).items() if type(value).__name__ == "DAG"]
roots = {name.partition(".")[0] for name in before}
packages = sorted({name.partition(".")[0] for name in sys.modules} - roots)
print(json.dumps({"dags": dags, "packages": packages, "modules": sorted(set(sys.modules) - before)}))
"""


def parsed(include: Path, *more: str) -> dict[str, list[str]]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "AIRFLOW__SPINE__INCLUDE_DIR": str(include),
        "AIRFLOW__SPINE__HANDLER_PACKAGES": "tests.support",
    }
    command = [sys.executable, "-c", SCRIPT, str(ROOT / "dags/spine_workflows.py"), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    result: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_the_examples_import_nothing_heavy() -> None:
    found = parsed(ROOT / "include")
    assert "finra.weekly_refresh" in found["dags"]
    assert set(found["packages"]) <= ALLOWED


def test_no_type_of_step_imports_anything_heavy(tmp_path: Path) -> None:
    write(tmp_path / "workflows", EVERY_STEP)
    found = parsed(tmp_path, "with the tests' pipelines")
    assert "all.of_it" in found["dags"]
    assert set(found["packages"]) <= ALLOWED | {"asgiref"}, (
        "asgiref comes with Airflow's human in the loop, for approvals"
    )


@pytest.mark.parametrize("module", ["spine.operators.approval", "spine.workflows.runner", "jsonschema"])
def test_what_no_workflow_uses_is_not_imported(module: str, tmp_path: Path) -> None:
    flow = "name: small\nparams: {a: {type: string, default: b}}\nsteps: [{name: tell, type: notify}]"
    write(tmp_path / "workflows", flow)
    found = parsed(tmp_path)
    assert found["dags"] == ["small"]
    assert module not in found["modules"]
