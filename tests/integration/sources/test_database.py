"""Rows of a query on each kind of database: as text, and nothing but read."""

from __future__ import annotations

import datetime as dt

import pytest

from spine.core.errors import ConfigurationError, PermissionDenied, SourceError, SpineError
from spine.sources.database import DatabaseSource
from spine.storage.base import Storage
from tests.support.sources import read_source

pytestmark = pytest.mark.integration


@pytest.fixture
def trades(storage: Storage) -> Storage:
    types = storage.dialect.types
    storage.execute(
        f"CREATE TABLE trades (symbol {types['code']}, week {types['date']}, price {types['decimal']}, note {types['text']})"
    )
    storage.execute("INSERT INTO trades VALUES ('A', '2026-01-02', 1.5, NULL), ('B', '2026-01-09', 20, 'x')")
    return storage


def test_values_become_text(trades: Storage) -> None:
    query = "SELECT symbol, week, price, note FROM trades ORDER BY symbol"
    found = read_source(DatabaseSource(query, storage=trades))
    assert found.columns == ("symbol", "week", "price", "note")
    assert [(symbol, week, float(price), note) for symbol, week, price, note in found.values] == [
        ("A", "2026-01-02", 1.5, ""),
        ("B", "2026-01-09", 20.0, "x"),
    ]
    assert found.bytes_read and len(found.sha256) == 64


def test_params_are_bound(trades: Storage) -> None:
    query = "SELECT symbol FROM trades WHERE week >= :week AND symbol <> :other;"
    params = {"week": dt.date(2026, 1, 2), "other": "A'; DROP TABLE trades; --"}
    assert len(read_source(DatabaseSource(query, storage=trades, params=params)).rows) == 2


def test_a_missing_param_is_named(trades: Storage) -> None:
    with pytest.raises(ConfigurationError, match="parameter week"):
        DatabaseSource("SELECT symbol FROM trades WHERE week = :week", storage=trades).read()


def test_no_rows_still_have_columns(trades: Storage) -> None:
    found = read_source(DatabaseSource("SELECT symbol, note FROM trades WHERE symbol = 'none'", storage=trades))
    assert (found.columns, found.lines) == (("symbol", "note"), 0)


def test_a_result_longer_than_a_page_comes_whole_and_in_order(trades: Storage) -> None:
    if trades.dialect.name == "db2":
        pytest.skip("Apache Derby, which stands in for Db2, knows no WITH")
    query = """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)
               SELECT i FROM n ORDER BY i -- to the end"""
    found = read_source(DatabaseSource(query, storage=trades, batch_size=1000))
    assert [int(value) for (value,) in found.values] == list(range(1, 120_001))
    assert list(found.rows) == list(range(1, 120_001))


def test_the_digest_is_that_of_the_rows(trades: Storage) -> None:
    def digest(query: str, size: int) -> str:
        return read_source(DatabaseSource(query, storage=trades, batch_size=size)).sha256

    ordered = "SELECT symbol FROM trades ORDER BY symbol"
    assert digest(ordered, 1) == digest(ordered, 100) != digest(ordered + " DESC", 100)


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM trades", "/* SELECT */ UPDATE trades SET note = ''", "(INSERT INTO trades VALUES (1))", "PRAGMA x"],
)
def test_statements_that_write_are_refused(trades: Storage, query: str) -> None:
    with pytest.raises(PermissionDenied, match="only reads"):
        DatabaseSource(query, storage=trades)


@pytest.mark.parametrize("query", ["", "  ;", "-- nothing", "SELECT 1; SELECT 2", "SELECT ';'; DROP TABLE trades"])
def test_one_statement_is_expected(trades: Storage, query: str) -> None:
    with pytest.raises(ConfigurationError):
        DatabaseSource(query, storage=trades)


@pytest.mark.parametrize("query", ["SELECT ';' AS a", "SELECT 1 AS a -- ; x", 'SELECT 1 AS ";"', "VALUES (1)"])
def test_semicolons_that_end_nothing(trades: Storage, query: str) -> None:
    if not query.startswith("VALUES"):
        query = query.replace(" -- ; x", "") + f" {trades.dialect.no_table} -- ; x"
    assert len(read_source(DatabaseSource(query, storage=trades)).rows) == 1


def test_the_database_itself_refuses_to_write(trades: Storage) -> None:
    with pytest.raises(SpineError):
        list(trades.stream("INSERT INTO trades VALUES ('C', NULL, 1, '')"))
    if trades.dialect.name == "postgres":
        hidden = "WITH gone AS (DELETE FROM trades RETURNING symbol) SELECT symbol FROM gone"
        with pytest.raises(SpineError):
            read_source(DatabaseSource(hidden, storage=trades))
    assert trades.query("SELECT COUNT(*) FROM trades").scalar == 2


def test_leaving_early_gives_the_connection_back_able_to_write(trades: Storage) -> None:
    for _ in range(20):
        batches = iter(DatabaseSource("SELECT symbol FROM trades", storage=trades, batch_size=1).read())
        next(batches)
        batches.close()  # type: ignore[attr-defined]
    assert trades.execute("UPDATE trades SET note = 'y'") == 2


def test_columns_of_one_name_are_never_mixed_up(trades: Storage) -> None:
    source = DatabaseSource("SELECT symbol AS a, note AS a FROM trades", storage=trades)
    if trades.dialect.name == "db2":  # which refuses it, when asked for the columns
        with pytest.raises(SpineError):
            source.read()
    elif trades.dialect.name == "sqlite":  # which gives the second one a name of its own
        assert len(set(read_source(source).columns)) == 2
    else:
        with pytest.raises(SourceError, match="both named 'a'"):
            source.read()


def test_a_text_with_nul_is_a_reject(storage: Storage) -> None:
    if storage.dialect.name != "sqlite":
        pytest.skip("this database stores no NUL")
    found = read_source(DatabaseSource("SELECT 'a' || char(0) || 'b' AS t UNION ALL SELECT 'c'", storage=storage))
    assert found.values == [("c",)] and list(found.reasons.values()) == ["NUL_BYTE"]


def test_a_table_that_is_not_there(storage: Storage) -> None:
    with pytest.raises((ConfigurationError, SourceError)):
        DatabaseSource("SELECT a FROM nowhere", storage=storage).read()
