"""A table loaded by an operator in anybody's DAG."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from airflow.sdk import Context

from spine.core.errors import ConfigurationError
from spine.hooks.storage import StorageHook
from spine.operators.source import LoadTableOperator
from spine.storage.migrations import upgrade
from tests.support.paths import ROOT

LOAD: dict[str, Any] = {
    "source": {"type": "file", "path": "bonds.csv"},
    "table": "bonds",
    "columns": {"cusip": "text", "volume": "integer"},
    "key": "cusip",
}


@pytest.fixture
def bonds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", f'{{"conn_type": "sqlite", "host": "{tmp_path / "spine.db"}"}}')
    monkeypatch.setenv("AIRFLOW__SPINE__FILE_ROOT", str(tmp_path))
    (tmp_path / "bonds.csv").write_text("cusip,volume\nA1,1\nB2,x\n")
    storage = StorageHook().get_storage()
    upgrade(storage, ROOT / "include" / "sql")
    storage.execute("CREATE TABLE bonds (cusip TEXT PRIMARY KEY, volume INTEGER)")
    storage.close()


def execute(**options: Any) -> dict[str, Any]:
    operator = LoadTableOperator(task_id="load", **options)
    return operator.execute(cast("Context", {"run_id": "manual__1"}))


@pytest.mark.usefixtures("bonds")
def test_the_receipt_tells_what_was_loaded() -> None:
    receipt = execute(load=LOAD, dataset="my.bonds")
    assert (receipt["status"], receipt["inserted"], receipt["rejected"]) == ("done", 1, 1)
    assert receipt["load_id"].startswith("my.bonds:")
    assert execute(load=LOAD, dataset="my.bonds")["status"] == "unchanged"


@pytest.mark.usefixtures("bonds")
def test_a_mistake_is_named() -> None:
    with pytest.raises(ConfigurationError, match="there is no such option"):
        execute(load={**LOAD, "colums": {}}, dataset="x")


def test_parsing_a_dag_with_it_loads_nothing_heavy() -> None:
    code = (
        "import sys; from spine.operators.source import LoadTableOperator;"
        "LoadTableOperator(task_id='load', load={});"
        "print(*{'pyarrow', 'numpy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == []
