"""Statements and their parameters: what is bound, what is counted, what is refused before it is sent."""

from __future__ import annotations

import pytest

from spine.core.errors import ConfigurationError
from spine.storage.base import Storage
from tests.support.things import bind

pytestmark = pytest.mark.integration


def test_execute_counts_the_rows_it_touched(things: Storage) -> None:
    for number in range(4):
        assert things.execute("INSERT INTO things (id) VALUES (:id)", {"id": number}) == 1
    assert things.execute("UPDATE things SET small = 1 WHERE id < 3") == 3
    assert things.execute("UPDATE things SET small = :small WHERE id = :id", {"small": 2, "id": 99}) == 0
    copy = "INSERT INTO things (id, name) SELECT id + :shift, name FROM things"
    assert things.execute(copy, {"shift": 100}) == 4
    assert things.execute("DELETE FROM things WHERE id >= :least", {"least": 100}) == 4


def test_parameters_are_found_where_they_are_code(storage: Storage) -> None:
    sql = f"""
        -- a comment with :nothing, and a ' quote
        SELECT ':no' AS literal, /* nor :here */ CAST(:value AS INTEGER) AS value, 'it''s :not' AS quoted,
               CAST(:value AS INTEGER) + CAST(:other AS INTEGER) AS total, 1 AS ":name"
        {storage.dialect.no_table}
    """
    assert storage.query(sql, {"value": 2, "other": 3, "unused": 4}).first == {
        "literal": ":no",
        "value": 2,
        "quoted": "it's :not",
        "total": 5,
        ":name": 1,
    }


def test_a_null_parameter_equals_nothing(things: Storage) -> None:
    bind(things, [{"id": 1, "mark": "x"}])
    assert things.query("SELECT id FROM things WHERE name = :name", {"name": None}).rows == []
    assert things.execute("UPDATE things SET mark = :mark WHERE id = :id", {"mark": None, "id": 1}) == 1
    assert things.query("SELECT mark FROM things").scalar is None


def test_a_missing_value_is_named_with_its_statement(storage: Storage) -> None:
    with pytest.raises(ConfigurationError, match=r"SQL parameter least, most has no value in: SELECT :most"):
        storage.query("SELECT :most, :given, :least, :most", {"given": 1})
    with pytest.raises(ConfigurationError, match="parameter id"):
        storage.execute("DELETE FROM things WHERE id = :id")


def test_two_statements_at_once_are_refused(things: Storage) -> None:
    bind(things, [{"id": 1}])
    with pytest.raises(ConfigurationError, match="one SQL statement at a time"):
        things.execute("DELETE FROM things WHERE id = 9; DELETE FROM things")
    assert things.execute("DELETE FROM things; -- a comment after the end is none\n") == 1


def test_a_quotient_is_a_double_where_the_statement_says_so(storage: Storage) -> None:
    third = storage.query(f"SELECT CAST(1 AS DOUBLE PRECISION) / 3 AS third {storage.dialect.no_table}").scalar
    assert third == 1 / 3


def test_the_first_rows(things: Storage) -> None:
    bind(things, [{"id": number} for number in range(3)])
    assert things.query(f"SELECT id FROM things ORDER BY id {things.dialect.limit(2)}").rows == [(0,), (1,)]
