"""The [spine] section as a value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spine.airflow_settings import load_settings


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with dags/ in it, and nothing set."""
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path / "dags"))
    for option in ("INCLUDE_DIR", "FILE_ROOT", "STORAGE_CONN_ID", "FINRA_CONN_ID", "ENVIRONMENT", "HANDLER_PACKAGES"):
        monkeypatch.delenv(f"AIRFLOW__SPINE__{option}", raising=False)
    return tmp_path.resolve()


def test_what_the_provider_says_holds_where_nothing_is_set(deployment: Path) -> None:
    settings, home = load_settings(), Path(os.environ["AIRFLOW_HOME"])
    assert settings.include_dir == home / "include"
    assert (settings.sql_dir, settings.workflows_dir) == (home / "include/sql", home / "include/workflows")
    assert settings.file_root.is_relative_to(home)
    assert (settings.storage_conn_id, settings.finra_conn_id) == ("spine_default", "finra_default")
    assert settings.handler_packages == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("content", "{deployment}/content"),
        ("a/b", "{deployment}/a/b"),
        ("/srv/content", "/srv/content"),
        (" /srv/content ", "/srv/content"),
        ("~/content", "{home}/content"),
    ],
)
def test_folders_are_beside_the_dags_or_where_they_say(
    deployment: Path, monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    for option in ("INCLUDE_DIR", "FILE_ROOT"):
        monkeypatch.setenv(f"AIRFLOW__SPINE__{option}", given)
    settings = load_settings()
    wanted = Path(expected.format(deployment=deployment, home=Path.home()))
    assert (settings.include_dir, settings.file_root) == (wanted, wanted)


@pytest.mark.parametrize(
    ("given", "packages"), [("", ()), ("acme", ("acme",)), (" acme.steps , , other ", ("acme.steps", "other"))]
)
def test_handler_packages_are_a_list(
    deployment: Path, monkeypatch: pytest.MonkeyPatch, given: str, packages: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AIRFLOW__SPINE__HANDLER_PACKAGES", given)
    assert load_settings().handler_packages == packages


def test_the_environment_comes_first(deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SPINE__STORAGE_CONN_ID", "warehouse")
    monkeypatch.setenv("AIRFLOW__SPINE__ENVIRONMENT", "production")
    settings = load_settings()
    assert (settings.storage_conn_id, settings.environment) == ("warehouse", "production")
