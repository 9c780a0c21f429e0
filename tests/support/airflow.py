"""An Airflow of the test session's own: its home, its database, its connections."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

from tests.support.paths import ROOT


def isolate_airflow(home: Path) -> None:
    """Point Airflow at ``home``. Must run before the first import of airflow, which reads its settings once."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
        AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home / 'airflow.db'}",
        AIRFLOW__SPINE__INCLUDE_DIR=str(ROOT / "include"),
        AIRFLOW__SPINE__FILE_ROOT=str(home / "files"),
        AIRFLOW_CONN_SPINE_DEFAULT=json.dumps({"conn_type": "sqlite", "host": str(home / "spine.db")}),
    )
    (home / "files").mkdir(parents=True, exist_ok=True)


def create_metadata_database() -> None:
    """Airflow's own tables, made in this process: several times faster than the ``airflow db migrate`` command."""
    with warnings.catch_warnings():
        # None of it is our code: what Airflow's and FAB's migrations think of Alembic is not for these tests to judge.
        warnings.simplefilter("ignore", DeprecationWarning)
        from airflow.utils import db

        db.initdb()
