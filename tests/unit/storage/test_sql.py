"""Reading SQL text: parameters, statements, types."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.core.errors import ConfigurationError
from spine.storage.base import Dialect
from spine.storage.sql import bind_values, checked_identifier, compile_sql, read_sql, split_statements

DIALECT = Dialect("sqlite", "?{n}", {"bigint": "INTEGER", "code": "TEXT"})
# Pieces in which nothing is a parameter or an end, whatever is in them.
INERT = ["'a:b;c'", "'it''s :x;'", '"q:x;"', "-- :x; '\n", "/* :x; ' */", "a::int", "x", "\n"]


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT ?1, ?2, ?3", ("a", "b", "a")),
        ("SELECT :a::date", "SELECT ?1::date", ("a",)),
        ("SELECT ':a' || :b", "SELECT ':a' || ?1", ("b",)),
        ("SELECT 1 -- :a\n, :b", "SELECT 1 -- :a\n, ?1", ("b",)),
        ("SELECT /* :a\n:c */ :b", "SELECT /* :a\n:c */ ?1", ("b",)),
        ('SELECT ":a" , :_b1', 'SELECT ":a" , ?1', ("_b1",)),
        ("SELECT a[1:2]", "SELECT a[1:2]", ()),
        ("SELECT '08:30', TIME '08:30:00'", "SELECT '08:30', TIME '08:30:00'", ()),
    ],
)
def test_parameters_get_the_driver_s_form(sql: str, text: str, names: tuple[str, ...]) -> None:
    assert bind_values(sql, DIALECT, dict.fromkeys("ab") | {"_b1": None})[0] == text
    assert compile_sql(sql)[1] == names


@given(st.lists(st.sampled_from([*INERT, ":param"]), max_size=12))
def test_only_code_holds_parameters(pieces: list[str]) -> None:
    text, values = bind_values(" ".join(pieces), DIALECT, {"param": 1})
    assert len(values) == pieces.count(":param")
    assert all(f"?{n + 1}" in text for n in range(len(values)))


@given(st.lists(st.lists(st.sampled_from(INERT), max_size=5), max_size=5))
def test_statements_are_split_at_ends_in_code_only(statements: list[list[str]]) -> None:
    script = ";".join(" ".join(["SELECT", *pieces]) + "\n" for pieces in statements)
    assert list(split_statements(script)) == [" ".join(["SELECT", *pieces]).strip() for pieces in statements]


@pytest.mark.parametrize("script", ["", ";", " ;\n; ", "-- only; a comment", "/* only; */;", "-- a\n;-- b"])
def test_nothing_is_no_statement(script: str) -> None:
    assert list(split_statements(script)) == []


def test_values_are_in_the_order_of_their_use() -> None:
    assert bind_values("VALUES (:b, :a, :b)", DIALECT, {"a": 1, "b": None, "c": 3}) == (
        "VALUES (?1, ?2, ?3)",
        (None, 1, None),
    )


def test_a_parameter_without_a_value_is_named() -> None:
    with pytest.raises(ConfigurationError, match="SQL parameter a, c has no value in: VALUES"):
        bind_values("VALUES (:c, :a, :b, :c)", DIALECT, {"b": 1})


def test_types_are_filled_in(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("CREATE TABLE t (n ${bigint}, c $code) -- ü", encoding="utf-8")
    assert read_sql(tmp_path / "a.sql", DIALECT) == "CREATE TABLE t (n INTEGER, c TEXT) -- ü"


def test_a_placeholder_of_the_callers_stands_for_its_text(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("SELECT n FROM ${rows} r WHERE c = CAST(:c AS ${code})")
    text = read_sql(tmp_path / "a.sql", DIALECT, {"rows": "(SELECT ':a', :b)"})
    assert bind_values(text, DIALECT, {"b": 1, "c": "x"}) == (
        "SELECT n FROM (SELECT ':a', ?1) r WHERE c = CAST(?2 AS TEXT)", (1, "x"),
    )  # fmt: skip


def test_a_file_for_one_database_comes_first(tmp_path: Path) -> None:
    for name in ("a.sql", "a.sqlite.sql", "a.postgres.sql"):
        (tmp_path / name).write_text(name)
    assert read_sql(tmp_path / "a.sql", DIALECT) == "a.sqlite.sql"


@pytest.mark.parametrize("text", ["${money}", "SELECT '$.path'", "$"])
def test_an_unknown_placeholder_is_named_with_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.sql").write_text(text)
    with pytest.raises(
        ConfigurationError, match=r"a\.sql: unknown placeholder .*known: \['bigint', 'code', 'no_table'\]"
    ):
        read_sql(tmp_path / "a.sql", DIALECT)


def test_a_missing_file_points_to_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.sql is missing; check \[spine\] include_dir"):
        read_sql(tmp_path / "nothing.sql", DIALECT)


@pytest.mark.parametrize("name", ["a", "_a1", "core_captures", "A"])
def test_identifiers(name: str) -> None:
    assert checked_identifier(name) == name


@pytest.mark.parametrize("name", ["", "1a", "a b", "a;b", "a.b", '"a"', "a\n", "ä", "a-b", "a'"])
def test_what_is_no_identifier(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not a plain SQL identifier"):
        checked_identifier(name)


def test_the_first_rows_of_a_result() -> None:
    assert DIALECT.limit(3) == "LIMIT 3"
    with pytest.raises(ValueError, match="invalid literal"):
        DIALECT.limit("1; DROP TABLE t")  # type: ignore[arg-type]
