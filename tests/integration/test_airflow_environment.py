"""Airflow as it sees the provider: configuration, connection, plugin, database."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def test_the_metadata_database_is_the_sessions_own(airflow_env: Path) -> None:
    from airflow import settings

    assert settings.engine is not None
    assert settings.engine.url.database == str(airflow_env / "airflow.db")
    assert (airflow_env / "airflow.db").stat().st_size > 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("storage_conn_id", "spine_default"),
        ("finra_conn_id", "finra_default"),
        ("environment", "development"),
        ("handler_packages", ""),
    ],
)
def test_options_have_the_providers_defaults(airflow_env: Path, option: str, value: str) -> None:
    from airflow.configuration import conf

    assert conf.get("spine", option) == value


def test_the_plugin_is_found(airflow_env: Path) -> None:
    from airflow import plugins_manager

    plugins, errors = plugins_manager._get_plugins()
    assert "spine" in {plugin.name for plugin in plugins}
    assert errors == {}


def test_the_storage_connection_comes_from_the_environment(airflow_env: Path) -> None:
    from airflow.sdk import BaseHook

    assert BaseHook.get_connection("spine_default").conn_type == "sqlite"
