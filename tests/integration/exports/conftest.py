"""Databases to export from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.exports import load_market
from tests.support.storage import open_upgraded
from tests.support.weekly import Weekly


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weekly]:
    """The small market on SQLite. Tests share it and only read: what differs between databases is tested on all three."""
    folder = tmp_path_factory.mktemp("market")
    with open_upgraded(f"sqlite:///{folder / 'spine.db'}") as storage:
        yield load_market(storage, folder)
