"""Airflow's own ways to a database, with IBM's driver over DRDA against Apache Derby, not Db2."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from airflow.sdk import BaseHook
from sqlalchemy import text

from spine.hooks.db2 import Db2Hook

pytestmark = pytest.mark.integration

NOON = dt.datetime(2026, 1, 2, 12, 0, 0, 600000, tzinfo=dt.UTC).replace(tzinfo=None)  # as the driver has it
ROWS = [
    (1, "ü", Decimal("1.500000"), dt.date(2026, 1, 2), NOON),
    (2, None, None, None, None),
]
COLUMNS = ["id", "name", "shares", "week_ending", "seen_at"]


def fields_of(url: str, **changes: Any) -> str:
    parts = urlsplit(url)
    return json.dumps(
        {
            "conn_type": "db2",
            "host": parts.hostname,
            "port": parts.port,
            "login": parts.username,
            "password": parts.password,
            "schema": parts.path[1:],
            "extra": dict(parse_qsl(parts.query)),
            **changes,
        }
    )


@pytest.fixture
def hook(db2_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Db2Hook]:
    monkeypatch.setenv("AIRFLOW_CONN_MARKET", fields_of(db2_url))
    hook = Db2Hook(db2_conn_id="market")
    hook.run(
        "CREATE TABLE known (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20), shares DECIMAL(24, 6), week_ending DATE, "
        "seen_at TIMESTAMP)"
    )
    yield hook


def test_the_connection_finds_its_hook(hook: Db2Hook) -> None:
    found = BaseHook.get_hook("market")
    assert isinstance(found, Db2Hook)
    assert found.get_first("SELECT COUNT(*) FROM known") == (0,)


def test_the_button(hook: Db2Hook, db2_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = urlsplit(db2_url)
    assert hook.test_connection() == (True, f"Connected to Db2 {parts.hostname}:{parts.port}{parts.path}")
    monkeypatch.setenv("AIRFLOW_CONN_MARKET", fields_of(db2_url, password="s3cret"))
    ok, message = hook.test_connection()
    assert (ok, message.startswith("[PERMISSION]"), "s3cret" in message) == (False, True, False)


def test_rows_go_in_and_come_back(hook: Db2Hook) -> None:
    hook.insert_rows("known", ROWS, target_fields=COLUMNS)
    zoned = NOON.replace(tzinfo=dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=2)))
    hook.insert_rows("known", [(3, "zoned", 3, None, zoned)], target_fields=COLUMNS, executemany=True)
    assert hook.get_records("SELECT * FROM known WHERE id < ? ORDER BY id", (3,)) == ROWS
    assert hook.get_first("SELECT seen_at FROM known WHERE id = 3") == (NOON,)


def test_what_is_run_is_committed_as_a_whole(hook: Db2Hook) -> None:
    with pytest.raises(Exception, match="SQL0803N"):
        hook.run(["INSERT INTO known (id) VALUES (1)", "INSERT INTO known (id) VALUES (1)"])
    assert hook.get_first("SELECT COUNT(*) FROM known") == (0,)
    with pytest.raises(Exception, match="SQL0803N"):
        hook.run(["INSERT INTO known (id) VALUES (1)", "INSERT INTO known (id) VALUES (1)"], autocommit=True)
    assert hook.get_first("SELECT COUNT(*) FROM known") == (1,)


def test_a_data_frame(hook: Db2Hook) -> None:
    hook.insert_rows("known", ROWS, target_fields=COLUMNS)
    frame = hook.get_df("SELECT id, name, shares FROM known WHERE id >= ? ORDER BY id", (1,))
    assert frame.columns.tolist() == ["id", "name", "shares"]
    assert frame["id"].tolist() == [1, 2]
    assert frame["name"][0] == "ü"


def test_an_engine_of_sqlalchemy(hook: Db2Hook, db2_url: str) -> None:
    engine = hook.get_sqlalchemy_engine()
    try:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO known (id, name) VALUES (:id, :name)"), {"id": 1, "name": "bound"})
        with engine.connect() as connection:
            assert connection.execute(text("SELECT name FROM known")).scalar_one() == "bound"
            schema = dict(parse_qsl(urlsplit(db2_url).query))["currentschema"]
            assert connection.exec_driver_sql("VALUES CURRENT SCHEMA").scalar_one() == schema
    finally:
        engine.dispose()


def test_a_connection_by_itself(hook: Db2Hook) -> None:
    with closing(hook.get_conn()) as connection:
        assert hook.get_autocommit(connection) is False
        hook.set_autocommit(connection, True)
        assert hook.get_autocommit(connection) is True
