"""What Airflow and pip read about the provider: a mistake here stops every ``airflow`` command, not only ours."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from spine import __version__
from spine.get_provider_info import get_provider_info
from tests.support.paths import PROVIDER

# Keys of provider.yaml whose values, at any depth, are dotted paths to a class or function.
_PATH_KEYS = {"cli", "notifications", "extra-links", "secrets-backends", "executors", "db-managers", "auth-managers"}
_PATH_LEAVES = {"hook-class-name", "class-name"}


def test_the_package_name_is_the_distribution_name() -> None:
    project = tomllib.loads((PROVIDER / "pyproject.toml").read_text())["project"]
    assert get_provider_info()["package-name"] == project["name"] == "airflow-provider-spine"


def test_provider_info_follows_airflows_schema() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(get_provider_info())] == []


def test_every_class_path_in_the_provider_info_imports() -> None:
    missing = [path for path in _class_paths(get_provider_info()) if not _imports(path)]
    assert missing == []


def test_both_entry_points_load() -> None:
    found = {point.group: point.load() for point in distribution("airflow-provider-spine").entry_points}
    assert found["apache_airflow_provider"]() == get_provider_info()
    assert found["airflow.plugins"].name == "spine"


def test_every_option_says_what_it_is_and_since_when() -> None:
    options = get_provider_info()["config"]["spine"]["options"]
    needed = {"description", "version_added", "type", "example", "default"}
    assert {name: needed - option.keys() for name, option in options.items() if needed - option.keys()} == {}


def test_the_installed_version_is_the_packages_own() -> None:
    assert distribution("airflow-provider-spine").version == __version__


@pytest.mark.parametrize("module", ["spine.plugin", "spine.cli.definition", "spine.get_provider_info"])
def test_what_every_airflow_process_imports_stays_light(module: str) -> None:
    heavy = {"adbc_driver_manager", "duckdb", "great_expectations", "holidays", "pandas", "pyarrow"}
    code = f"import sys, {module}; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_wheel_builds_offline_and_is_complete(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=PROVIDER, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"spine/provider.yaml", "spine/py.typed", "spine/plugin.py", "spine/core/tiers.py"} <= names
    assert {"spine/console/templates/coverage.html", "spine/console/static/console.css"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"spine", "airflow_provider_spine"}


def _class_paths(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _class_paths(inner, name if name in _PATH_KEYS | _PATH_LEAVES else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _class_paths(inner, key)
    elif key and isinstance(value, str):
        yield value


def _imports(path: str) -> bool:
    module, _, name = path.rpartition(".")
    return hasattr(import_module(module), name)
