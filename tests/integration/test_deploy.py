"""What the compose file runs at its first start, against a real server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

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


@pytest.mark.parametrize("there", [False, True])
def test_db2_gets_its_database_once_and_with_wide_pages(tmp_path: Path, there: bool) -> None:
    """The script alone, with stand-ins for IBM's commands: no Docker engine and no Db2 is assumed."""
    said = tmp_path / "said"
    stand_ins = {
        "su": '[ "$1 $2 $3" = "- db2inst1 -c" ] && exec bash -c "$4"',
        "db2": f'echo "$*" >> {said}; [ "$1" != connect ] || {str(there).lower()}',
    }
    for name, body in stand_ins.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SPINE_DATABASE": "SPINE"}
    subprocess.run([ROOT / "deploy" / "db2-create-database.sh"], env=environment, check=True, capture_output=True)
    create = "create database SPINE using codeset UTF-8 territory US collate using identity pagesize 32768"
    assert said.read_text().splitlines() == ["connect to SPINE", *([] if there else [create])]
