"""Fixtures for tests that run Airflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dag_runs import DagsFolder, make_dags_folder


@pytest.fixture
def dags_folder(airflow_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DagsFolder:
    """A bundle over workflows of the test's own."""
    return make_dags_folder(tmp_path, monkeypatch)
