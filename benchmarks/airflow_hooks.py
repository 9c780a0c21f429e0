"""Airflow's hooks without an Airflow: their connection is given, and nothing is kept."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def postgres_hook(url: str) -> Any:
    """The hook of Airflow's PostgreSQL provider."""
    _isolate()
    from airflow.providers.postgres.hooks.postgres import PostgresHook
    from airflow.sdk import Connection

    return _ready(PostgresHook(connection=Connection.from_uri(url, conn_id="bench")))


def plain_hook(conn_type: str, connect: Callable[[], Any]) -> Any:
    """``DbApiHook`` with a way to connect and question marks: more the providers' hooks for SQLite and the like have not."""
    _isolate()
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from airflow.sdk import Connection

    class Hook(DbApiHook):
        conn_name_attr = "conn_id"
        default_conn_name = "bench"
        _placeholder = "?"

        def get_conn(self) -> Any:
            return connect()

    return _ready(Hook(connection=Connection(conn_id="bench", conn_type=conn_type)))


def _isolate() -> None:
    from tests.support.airflow import isolate_airflow

    home = Path(tempfile.mkdtemp(prefix="spine-bench-airflow-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    isolate_airflow(home)


def _ready(hook: Any) -> Any:
    """Airflow loads its plugins when the first rows are in: before anybody's time is taken."""
    import logging

    from airflow.providers.common.compat.sdk import get_hook_lineage_collector

    logging.getLogger("airflow").setLevel(logging.WARNING)
    get_hook_lineage_collector()
    return hook
