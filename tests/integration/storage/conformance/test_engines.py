"""Libraries read through an engine of SQLAlchemy's; whatever they keep, no session of the database outlives the block."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from spine.storage.base import Storage

pytestmark = pytest.mark.integration


def test_a_connection_that_a_reader_kept_is_closed_at_the_end(upgraded_storage: Storage) -> None:
    """Great Expectations keeps one. Given back to a pool that is disposed of already, it would stay open for long."""
    with upgraded_storage.sqlalchemy_engine() as engine:
        kept = engine.connect()
        assert kept.execute(text("SELECT COUNT(*) FROM core_captures")).scalar() == 0
        driver = kept.connection.dbapi_connection
        assert driver is not None
    with pytest.raises(Exception, match=r"(?i)clos|no longer active|must call AdbcConnectionInit first"):
        driver.cursor().execute("SELECT COUNT(*) FROM core_captures")


def test_one_that_is_closed_already_is_no_problem(upgraded_storage: Storage) -> None:
    with upgraded_storage.sqlalchemy_engine() as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM core_captures")).scalar() == 0
        connection.connection.invalidate()
