"""Domain databases for tests, on each kind of server that Spine speaks to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spine.storage.base import Storage
from spine.storage.connect import connect_storage
from spine.storage.migrations import upgrade
from tests.support.paths import ROOT

# db2 is IBM's driver over DRDA against Apache Derby, not Db2 (tests/support/db2_wire).
DATABASES = ("sqlite", "postgres", "db2")
# For tests of something else than databases: what stands in for Db2 is the slowest of the three.
WITHOUT_DB2 = pytest.mark.parametrize("database_url", ("sqlite", "postgres"), indirect=True)


def skip_where_readers_wait(storage: Storage) -> None:
    """Derby's readers wait for writers. Db2's do not (CUR_COMMIT), which nothing here can show."""
    if storage.dialect.name == "db2":
        pytest.skip("Apache Derby, which stands in for Db2, lets readers wait for writers")


@contextmanager
def open_storage(url: str) -> Iterator[Storage]:
    """The database as it is; its connections are closed at the end."""
    storage = connect_storage(url)
    try:
        yield storage
    finally:
        storage.close()


@contextmanager
def open_upgraded(url: str) -> Iterator[Storage]:
    """The database with every migration applied."""
    with open_storage(url) as storage:
        upgrade(storage, ROOT / "include" / "sql")
        yield storage
