"""Domain databases for tests, on each kind of server that Spine speaks to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from spine.storage.base import Storage
from spine.storage.connect import connect_storage
from spine.storage.migrations import upgrade
from tests.support.paths import ROOT

DATABASES = ("sqlite", "postgres")


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
