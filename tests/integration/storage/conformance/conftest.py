"""What every Storage does, whichever database is behind it: each test here runs on all of them.

Where one differs on purpose, tests/support/differences.py says so. What only one of them has is tested one folder up.
"""

from __future__ import annotations

import pytest

from spine.storage.base import Storage
from tests.support.things import create_things


@pytest.fixture
def things(storage: Storage) -> Storage:
    """A database with an empty table that has a column of every type."""
    create_things(storage)
    return storage
