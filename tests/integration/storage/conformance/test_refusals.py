"""What a database refuses, in our words: the kind of error, the way out, and whether to try again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import adbc_driver_manager.dbapi
import pytest

from spine.core.errors import ConfigurationError, LoadError, SpineError, TransformError, TransientError
from spine.storage.base import Storage
from spine.storage.db2 import Db2Storage
from spine.storage.db2_place import Db2Place
from spine.storage.postgres import PostgresStorage
from spine.storage.sqlite import SqliteStorage

pytestmark = pytest.mark.integration

SELECT = "SELECT 1 AS one"


def test_the_statement_s_own_faults(storage: Storage) -> None:
    storage.execute("CREATE TABLE known (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL)")
    storage.execute("INSERT INTO known VALUES (1, 'one')")
    faults = {
        "SELECT * FROM nowhere": (ConfigurationError, "run `airflow spine db upgrade`"),
        "SELECT missing FROM known": (ConfigurationError, "run `airflow spine db upgrade`"),
        "SELECT FROM WHERE": (TransformError, "unexpected token" if storage.dialect.name == "db2" else "syntax"),
        "INSERT INTO known VALUES (1, 'again')": (LoadError, ""),
        "INSERT INTO known VALUES (2, NULL)": (LoadError, ""),
    }
    for sql, (kind, words) in faults.items():
        with pytest.raises(kind) as caught:
            storage.execute(sql)
        assert type(caught.value) is kind
        assert words in caught.value.message
        assert caught.value.message.startswith(storage.describe())
        assert not caught.value.retryable


def test_the_driver_s_errors_are_all_ours(storage: Storage) -> None:
    import ibm_db_dbi

    with pytest.raises(SpineError) as caught:
        storage.query("SELECT FROM WHERE")
    driver_s = ibm_db_dbi.Error if storage.dialect.name == "db2" else adbc_driver_manager.dbapi.Error
    assert isinstance(caught.value.__cause__, driver_s)


def test_a_pool_that_is_used_up_says_so(database_url: str, tmp_path: Path) -> None:
    small = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.05}
    storage: Storage
    if database_url.startswith("sqlite"):
        storage = SqliteStorage(tmp_path / "spine.db", **small)
    elif database_url.startswith("db2"):
        storage = Db2Storage(Db2Place.from_url(database_url), **small)
    else:
        storage = PostgresStorage(database_url, **small)
    select = f"{SELECT} {storage.dialect.no_table}"
    with closing(storage):
        with storage.transaction(), pytest.raises(TransientError, match="raise pool_size"):
            storage.query(select)
        assert storage.query(select).scalar == 1
