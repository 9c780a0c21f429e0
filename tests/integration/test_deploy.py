"""What the compose file runs at its first start, against a real server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import adbc_driver_postgresql.dbapi as postgres
import pytest

from tests.support.paths import ROOT
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.integration


@pytest.fixture
def initialised(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """The session's server after deploy/postgres-init.sh; roles and databases are taken away again."""
    environment = {
        "PATH": f"{postgres_server.programs}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres_server.port),
        "POSTGRES_USER": "spine_root",
        "AIRFLOW_DB_PASSWORD": "it's quoted",
        "SPINE_DB_PASSWORD": "another",
    }
    subprocess.run([ROOT / "deploy" / "postgres-init.sh"], env=environment, check=True, capture_output=True)
    yield postgres_server
    undo = ("DROP DATABASE airflow", "DROP DATABASE spine", "DROP ROLE airflow", "DROP ROLE spine")
    with postgres.connect(postgres_server.url(), autocommit=True) as connection, connection.cursor() as cursor:
        for statement in undo:
            cursor.execute(statement)


def test_each_owner_may_enter_its_own_database_only(initialised: PostgresServer) -> None:
    assert _may_create_tables(initialised, user="spine", database="spine")
    assert _may_create_tables(initialised, user="airflow", database="airflow")
    assert not _may_create_tables(initialised, user="spine", database="airflow")
    assert not _may_create_tables(initialised, user="airflow", database="spine")


def _may_create_tables(server: PostgresServer, *, user: str, database: str) -> bool:
    url = f"postgresql://{user}@127.0.0.1:{server.port}/{database}"
    try:
        with postgres.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE probe (id INTEGER)")
    except postgres.Error:
        return False
    return True
