"""Fixtures for every test. The servers behind them are in tests/support."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.airflow import create_metadata_database, isolate_airflow
from tests.support.db2_wire.server import Db2Wire, Db2WireUnavailable, running_db2_wire
from tests.support.h2.server import H2Server, H2Unavailable, running_h2
from tests.support.paths import FINRA_DATA
from tests.support.postgres import PostgresServer, PostgresUnavailable, running_postgres
from tests.support.standalone import Deployment, running_deployment
from tests.support.storage import DATABASES, open_storage, open_upgraded

if TYPE_CHECKING:
    from spine.storage.base import Storage

# Nothing asserts on time: not Hypothesis either.
settings.register_profile("spine", deadline=None)
settings.load_profile("spine")

# Here and not in a fixture: a test module's own imports may be the first to import airflow.
_AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="spine-airflow-"))
atexit.register(shutil.rmtree, _AIRFLOW_HOME, ignore_errors=True)
isolate_airflow(_AIRFLOW_HOME)


@pytest.fixture(scope="session")
def airflow_env() -> Path:
    """AIRFLOW_HOME of this session, with Airflow's database made."""
    create_metadata_database()
    return _AIRFLOW_HOME


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real server. Where none is installed the test is skipped, except under SPINE_REQUIRE_POSTGRES=1."""
    try:
        with running_postgres() as server:
            yield server
    except PostgresUnavailable as reason:
        if os.environ.get("SPINE_REQUIRE_POSTGRES") == "1":
            raise
        pytest.skip(str(reason))


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database for this test alone."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def db2_wire() -> Iterator[Db2Wire]:
    """IBM's driver over DRDA against Apache Derby, not Db2. Skipped as for PostgreSQL: SPINE_REQUIRE_DB2_WIRE=1."""
    try:
        with running_db2_wire() as server:
            yield server
    except Db2WireUnavailable as reason:
        if os.environ.get("SPINE_REQUIRE_DB2_WIRE") == "1":
            raise
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def h2_server() -> Iterator[H2Server]:
    """H2 in its Db2 mode, not Db2. Skipped as Derby is."""
    try:
        with running_h2() as server:
            yield server
    except H2Unavailable as reason:
        if os.environ.get("SPINE_REQUIRE_DB2_WIRE") == "1":
            raise
        pytest.skip(str(reason))


@pytest.fixture
def db2_url(db2_wire: Db2Wire) -> str:
    """An empty schema for this test alone."""
    return db2_wire.new_schema()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database for this test alone, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'spine.db'}"
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def storage(database_url: str) -> Iterator[Storage]:
    """An empty database of each kind in turn."""
    with open_storage(database_url) as storage:
        yield storage


@pytest.fixture
def upgraded_storage(database_url: str) -> Iterator[Storage]:
    """A database of each kind in turn, with every migration."""
    with open_upgraded(database_url) as storage:
        yield storage


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A running Airflow. Tests share it, as they start it but once: each brings weeks and files of its own."""
    with running_deployment(tmp_path_factory.mktemp("standalone")) as deployment:
        yield deployment


@pytest.fixture(scope="session")
def finra_data() -> Path:
    """The folder with real FINRA files, which are never part of the repository."""
    if not FINRA_DATA.is_dir():
        pytest.skip(f"no FINRA files in {FINRA_DATA}; name their folder in SPINE_FINRA_DATA")
    return FINRA_DATA
