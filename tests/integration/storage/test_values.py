"""What goes in comes out, whichever database it is and whichever way it is asked."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spine.core.errors import ConfigurationError, LoadError, SpineError, TransformError
from spine.storage.base import Storage

pytestmark = pytest.mark.integration

COLUMNS = {
    "id": "bigint",
    "small": "integer",
    "name": "text",
    "mark": "code",
    "quantity": "decimal",
    "ratio": "double",
    "traded_on": "date",
    "seen_at": "instant",
    "extra": "json",
}
INSERT = f"INSERT INTO things ({', '.join(COLUMNS)}) VALUES ({', '.join(f':{name}' for name in COLUMNS)})"
ROW: dict[str, Any] = {
    "id": 1,
    "small": 7,
    "name": "Müller & Söhne",
    "mark": "BRK.B",
    "quantity": Decimal("123456.654321"),
    "ratio": 0.1,
    "traded_on": dt.date(2026, 1, 2),
    "seen_at": dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
    "extra": None,
}


@pytest.fixture
def things(storage: Storage) -> Storage:
    kinds = storage.dialect.types
    columns = ", ".join(f"{name} {kinds[kind]}" for name, kind in COLUMNS.items())
    storage.execute(f"CREATE TABLE things ({columns}, PRIMARY KEY (id))")
    return storage


def stored(storage: Storage, **changes: Any) -> dict[str, Any]:
    """A row, put in and read back."""
    storage.execute("DELETE FROM things")
    assert storage.execute(INSERT, ROW | changes) == 1
    row = storage.query("SELECT * FROM things").first
    assert row is not None
    return row


LIMITS: dict[str, list[Any]] = {
    "id": [0, 2**63 - 1, -(2**63)],
    "small": [2**31 - 1, -(2**31), None],
    "quantity": [
        Decimal(999_999_999_999_999),
        999_999_999_999_999,
        Decimal("999999999.123456"),
        Decimal("0.000001"),
        Decimal("-0.5"),
        None,
    ],
    "ratio": [math.pi, 5e-324, 1.7976931348623157e308, None],
    "name": [
        "",
        "x" * 100_000,
        "a 'quoted' \"name\"; -- :not_a_parameter /* nor this */ $1 ?1 %s {n}",
        "line\nbreak\ttab\\backslash",
        "日本語 🎉 e\u0301 \u200b \ufeff",
        None,
    ],
    "mark": ["", "A" * 200, None],
    "traded_on": [dt.date(1, 1, 1), dt.date(9999, 12, 31), None],
    "seen_at": [None],
    "extra": [None],
}

# Its text has a length, and its doubles end before the least ones of IEEE 754.
DB2_LIMITS: dict[str, list[Any]] = {
    "ratio": [math.pi, 2.3e-307, 1.7e308, None],
    "name": [*(value[:4000] if value else value for value in LIMITS["name"])],
    "extra": ["x" * 100_000, None],
}


def test_values_at_their_limits_come_back(things: Storage) -> None:
    limits = LIMITS | (DB2_LIMITS if things.dialect.name == "db2" else {})
    cases = [(name, value) for name, values in limits.items() for value in values]
    found = [stored(things, **{name: value})[name] for name, value in cases]
    assert found == [as_stored(things, value) for _, value in cases]


def as_stored(storage: Storage, value: Any) -> Any:
    """SQLite knows neither dates nor decimals."""
    if storage.dialect.name == "sqlite" and isinstance(value, dt.date):
        return value.isoformat()
    if storage.dialect.name == "sqlite" and isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    return value


def test_all_of_a_row_may_be_null(things: Storage) -> None:
    row = stored(things, **dict.fromkeys(set(COLUMNS) - {"id"}))
    assert {name for name, value in row.items() if value is None} == set(COLUMNS) - {"id"}


@pytest.mark.parametrize(
    "instant",
    [
        dt.datetime(2026, 3, 8, 2, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
        dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC),
    ],
    ids=str,
)
def test_an_instant_is_the_same_instant_in_utc(things: Storage, instant: dt.datetime) -> None:
    found = stored(things, seen_at=instant)["seen_at"]
    if isinstance(found, str):
        assert found.endswith("+00:00")
        found = dt.datetime.fromisoformat(found)
    assert found == instant


def test_instants_are_in_order_however_they_were_written(things: Storage) -> None:
    early, late = dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC), dt.datetime(2026, 1, 1, 9, 0, 0, 1, tzinfo=dt.UTC)
    things.execute(INSERT, ROW | {"id": 2, "seen_at": late})
    things.execute(INSERT, ROW | {"id": 1, "seen_at": early.astimezone(dt.timezone(dt.timedelta(hours=9)))})
    asked = things.query("SELECT id FROM things WHERE seen_at <= :now ORDER BY seen_at", {"now": early})
    assert asked.rows == [(1,)]
    assert things.query("SELECT id FROM things ORDER BY seen_at").rows == [(1,), (2,)]


def test_an_instant_without_a_zone_is_refused(things: Storage) -> None:
    with pytest.raises(SpineError, match="no time zone"):
        things.execute(INSERT, ROW | {"seen_at": dt.datetime(2026, 1, 1)})  # noqa: DTZ001
    assert things.query("SELECT COUNT(*) AS n FROM things").scalar == 0


def test_mappings_and_lists_become_json_text(things: Storage) -> None:
    assert (
        stored(things, extra={"b": [1, None], "a": dt.date(2026, 1, 2)})["extra"]
        == '{"a": "2026-01-02", "b": [1, null]}'
    )
    assert stored(things, extra=[1, "x"])["extra"] == '[1, "x"]'


@pytest.mark.parametrize("changes", [{"id": 2**63}, {"id": "one"}, {"extra": object()}], ids=str)
def test_what_a_column_cannot_hold_is_an_error_of_ours(things: Storage, changes: dict[str, Any]) -> None:
    with pytest.raises((LoadError, TransformError)):
        things.execute(INSERT, ROW | changes)
    assert things.query("SELECT COUNT(*) AS n FROM things").scalar == 0


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
QUANTITIES = st.integers(-(10**15) + 1, 10**15 - 1).map(lambda millionths: Decimal(millionths).scaleb(-6))


@given(name=TEXT, quantity=QUANTITIES, ratio=st.floats(allow_nan=False, allow_infinity=False), day=st.dates())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_value_comes_back(things: Storage, name: str, quantity: Decimal, ratio: float, day: dt.date) -> None:
    found = stored(things, name=name, quantity=quantity, ratio=ratio, traded_on=day)
    assert (found["name"], found["ratio"], str(found["traded_on"])) == (name, ratio, str(day))
    assert found["quantity"] == as_stored(things, quantity)


def test_every_way_of_reading_gives_the_same(things: Storage) -> None:
    for number in range(25):
        changes = {
            "quantity": None if number % 5 == 0 else Decimal(number) / 8,
            "name": None if number % 7 == 0 else "ü",
        }
        things.execute(INSERT, ROW | {"id": number} | changes)
    sql, params = "SELECT * FROM things WHERE id >= :least ORDER BY id", {"least": 3}
    result = things.query(sql, params)
    rows = list(result)
    assert result.columns == tuple(COLUMNS)
    assert len(result) == len(rows) == 22
    assert things.read_arrow(sql, params).to_pylist() == rows
    for batch_size in (1, 7, 22, 1000):
        assert list(things.stream(sql, params, batch_size=batch_size)) == rows
    with things.transaction() as session:
        assert list(session.query(sql, params)) == rows
        assert session.read_arrow(sql, params).to_pylist() == rows


def test_an_empty_result_has_its_columns(things: Storage) -> None:
    result = things.query("SELECT id, name FROM things")
    assert (result.columns, result.rows, result.first, result.scalar) == (("id", "name"), [], None, None)
    assert list(things.stream("SELECT id FROM things")) == []
    assert things.read_arrow("SELECT id FROM things").num_rows == 0


def test_nulls_before_numbers_do_not_decide_the_type(things: Storage) -> None:
    for number, quantity in enumerate([None] * 50 + [7, Decimal("0.5")]):
        things.execute(INSERT, ROW | {"id": number, "quantity": quantity})
    sql = "SELECT quantity FROM things ORDER BY id"
    expected = [None] * 50 + [7, Decimal("0.5")]
    assert [row[0] for row in things.query(sql).rows] == expected
    assert [row["quantity"] for row in things.stream(sql, batch_size=10)] == expected


def test_a_long_stream_is_complete_and_in_order(storage: Storage) -> None:
    """Longer than a page: SQLite's driver cannot hand out a result bit by bit."""
    storage.execute("CREATE TABLE numbers (n INTEGER)")
    with storage.transaction() as session:
        session.bulk_load("numbers", [pa.record_batch({"n": pa.array(range(120_000), pa.int32())})])
    rows = storage.stream("SELECT n FROM numbers WHERE n >= :least ORDER BY n", {"least": 5})
    assert [row["n"] for row in rows] == list(range(5, 120_000))


def test_a_stream_may_be_left_early(things: Storage) -> None:
    for number in range(5):
        things.execute(INSERT, ROW | {"id": number})
    rows = things.stream("SELECT id FROM things ORDER BY id", batch_size=2)
    assert next(iter(rows)) == {"id": 0}
    rows.close()  # type: ignore[attr-defined]
    assert things.execute("DELETE FROM things") == 5


def test_a_stream_sees_what_was_committed_before_it(things: Storage) -> None:
    for number in range(4):
        things.execute(INSERT, ROW | {"id": number})
        assert len(list(things.stream("SELECT id FROM things"))) == number + 1


def test_a_quotient_with_many_decimals_is_a_number(storage: Storage) -> None:
    third = storage.query(f"SELECT CAST(1 AS DOUBLE PRECISION) / 3 AS third {storage.dialect.no_table}").scalar
    assert third == pytest.approx(1 / 3, rel=1e-15)
    if storage.dialect.name == "postgres":
        third = storage.query("SELECT 1 / CAST(3 AS NUMERIC) AS third").scalar
        assert isinstance(third, Decimal)
        assert float(third) == pytest.approx(1 / 3, rel=1e-15)


def test_execute_counts_the_rows_it_touched(things: Storage) -> None:
    for number in range(4):
        assert things.execute(INSERT, ROW | {"id": number}) == 1
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
    things.execute(INSERT, ROW | {"name": None})
    assert things.query("SELECT id FROM things WHERE name = :name", {"name": None}).rows == []
    assert things.execute("UPDATE things SET mark = :mark WHERE id = :id", {"mark": None, "id": 1}) == 1
    assert things.query("SELECT mark FROM things").scalar is None


def test_a_missing_value_is_named_with_its_statement(storage: Storage) -> None:
    with pytest.raises(ConfigurationError, match=r"SQL parameter least, most has no value in: SELECT :most"):
        storage.query("SELECT :most, :given, :least, :most", {"given": 1})
    with pytest.raises(ConfigurationError, match="parameter id"):
        storage.execute("DELETE FROM things WHERE id = :id")


def test_two_statements_at_once_are_refused(things: Storage) -> None:
    things.execute(INSERT, ROW)
    with pytest.raises(ConfigurationError, match="one SQL statement at a time"):
        things.execute("DELETE FROM things WHERE id = 9; DELETE FROM things")
    assert things.execute("DELETE FROM things; -- a comment after the end is none\n") == 1


def test_the_catalogue(things: Storage) -> None:
    things.execute("CREATE VIEW all_things AS SELECT id, name FROM things")
    assert things.tables() == ["all_things", "things"]
    assert list(things.columns("things")) == list(COLUMNS)
    assert list(things.columns("all_things")) == ["id", "name"]
    assert things.columns("nothing") == {}
    assert all(isinstance(kind, str) and kind for kind in things.columns("things").values())


def test_the_first_rows(things: Storage) -> None:
    for number in range(3):
        things.execute(INSERT, ROW | {"id": number})
    assert things.query(f"SELECT id FROM things ORDER BY id {things.dialect.limit(2)}").rows == [(0,), (1,)]
