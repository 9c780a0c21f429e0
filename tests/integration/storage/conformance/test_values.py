"""What goes in comes out, whichever way it went in."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from spine.core.errors import LoadError, TransformError
from spine.storage.base import Storage
from tests.support.differences import as_stored, differences
from tests.support.things import ARROW_TYPES, COLUMNS, WAYS_IN, WayIn, bind, load, put

pytestmark = pytest.mark.integration

EACH_WAY = pytest.mark.parametrize("put_in", WAYS_IN, ids=["bound", "loaded"])
EAST, WEST = (dt.timezone(dt.timedelta(hours=hours)) for hours in (14, -12))
LAST_INSTANT = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)

LIMITS: dict[str, list[Any]] = {
    "id": [0, 2**63 - 1, -(2**63), 2**53 + 1],
    "small": [2**31 - 1, -(2**31), 0, None],
    "quantity": [
        Decimal("999999999999999999.999999"), Decimal("-999999999999999999.999999"), Decimal(2**53), Decimal(-(2**53)),
        Decimal("0.000001"), Decimal("-0.000001"), Decimal("123456789.123456"), Decimal("0.100000"), Decimal(0), None,
    ],
    "ratio": [math.pi, 0.1, -0.0, 1e-5, 2.5e-307, 1.7e308, -1.7e308, None],
    "name": [
        "", " ", "  blanks around  ", "N" * 200, "🎉" * 200, "日本語 e\u0301 é \u200b\ufeff \uffff \U0010ffff",
        "\x01\t\r\n\x1f\x7f", "a 'quoted' \"name\"; -- :not_a_parameter /* nor this */ $1 ?1 %s {n} \\", None,
    ],
    "mark": ["", "A" * 200, "BRK.B", "é🎉", " x", None],
    "traded_on": [dt.date(1, 1, 1), dt.date(1582, 10, 15), dt.date(1970, 1, 1), dt.date(9999, 12, 31), None],
    "seen_at": [
        dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC), LAST_INSTANT,
        dt.datetime(2026, 3, 8, 2, 30, 0, 1, tzinfo=EAST), dt.datetime(2026, 3, 8, 2, 30, tzinfo=WEST),
        dt.datetime(1883, 11, 18, 12, 3, 58, tzinfo=dt.timezone(-dt.timedelta(hours=4, minutes=56, seconds=2))), None,
    ],
    "extra": ["", '{"a": "\\u0000"}', "[" + "1," * 30_000 + "1]", None],
}  # fmt: skip


@EACH_WAY
def test_values_at_their_limits_come_back(things: Storage, put_in: WayIn) -> None:
    cases = [(column, value) for column, values in LIMITS.items() if column != "id" for value in values]
    put_in(things, [{"id": number, column: value} for number, (column, value) in enumerate(cases)])
    found = {row["id"]: row for row in things.query("SELECT * FROM things")}
    wrong = [
        (column, value, found[number][column])
        for number, (column, value) in enumerate(cases)
        if found[number][column] != as_stored(things, value)
    ]
    assert not wrong
    assert found.keys() == set(range(len(cases)))


@EACH_WAY
def test_keys_at_their_limits_come_back(things: Storage, put_in: WayIn) -> None:
    put_in(things, [{"id": key} for key in LIMITS["id"]])
    assert [row[0] for row in things.query("SELECT id FROM things ORDER BY id").rows] == sorted(LIMITS["id"])


@EACH_WAY
def test_all_of_a_row_but_its_key_may_be_null(things: Storage, put_in: WayIn) -> None:
    put_in(things, [{"id": 1, **dict.fromkeys(COLUMNS.keys() - {"id"})}])
    row = things.query("SELECT * FROM things").first
    assert row == {"id": 1, **dict.fromkeys(COLUMNS.keys() - {"id"})}


def test_nothing_and_an_empty_text_are_two_things(things: Storage) -> None:
    bind(things, [{"id": 1, "name": "", "mark": ""}, {"id": 2}])
    for column in ("name", "mark"):
        assert things.query(f"SELECT id FROM things WHERE {column} IS NULL").rows == [(2,)]
        assert things.query(f"SELECT id FROM things WHERE {column} = ''").rows == [(1,)]


def test_text_ends_where_it_ends(things: Storage) -> None:
    bind(things, [{"id": 1, "name": "a", "mark": "a"}, {"id": 2, "name": "a ", "mark": "a "}])
    for column in ("name", "mark"):
        found = things.query(f"SELECT id FROM things WHERE {column} = :a ORDER BY id", {"a": "a"}).rows
        assert found == ([(1,), (2,)] if differences(things).pads else [(1,)])
        assert things.query(f"SELECT {column} FROM things ORDER BY id").rows == [("a",), ("a ",)]


def test_codes_are_in_the_order_of_their_characters(things: Storage) -> None:
    codes = ["", "-", "0", "A", "B", "Z", "_", "a", "ab", "a\u0301", "z", "~", "\u00e1", "\u65e5"]
    assert codes == sorted(codes, key=str.encode)
    bind(things, [{"id": number, "mark": code} for number, code in enumerate(reversed(codes))])
    assert [row[0] for row in things.query("SELECT mark FROM things ORDER BY mark").rows] == codes


@EACH_WAY
def test_text_that_its_column_cannot_hold_is_refused_and_not_cut(things: Storage, put_in: WayIn) -> None:
    known = differences(things)
    for column, most in {"name": known.bytes_of_text, "mark": known.bytes_of_code}.items():
        things.execute("DELETE FROM things")
        put_in(things, [{"id": 1, column: "x" * (most or 100_000)}])
        if most:
            with pytest.raises(LoadError):
                put_in(things, [{"id": 2, column: "x" * (most + 1)}])
        assert things.query(f"SELECT id, LENGTH({column}) FROM things").rows == [(1, most or 100_000)]


UNSTORABLE: list[tuple[str, Any]] = [
    ("name", "a\0b"),
    ("mark", "\0"),
    ("extra", "\0"),
    ("ratio", float("nan")),
    ("ratio", float("inf")),
    ("quantity", Decimal(10**18)),
    ("quantity", Decimal("0.0000005")),
    ("seen_at", LAST_INSTANT.replace(tzinfo=None)),
]


@pytest.mark.parametrize(("column", "value"), UNSTORABLE, ids=repr)
def test_what_one_database_would_change_is_refused_by_all(things: Storage, column: str, value: Any) -> None:
    with pytest.raises(LoadError, match=r"cannot be stored|NUL|no time zone"):
        bind(things, [{"id": 1, column: value}])
    with pytest.raises(LoadError, match=f"column {column} .* cannot be stored"), things.transaction() as session:
        session.bulk_load("things", [pa.record_batch({"id": [1], column: [value]})])
    assert things.query("SELECT COUNT(*) FROM things").scalar == 0


@pytest.mark.parametrize("changes", [{"id": 2**63}, {"id": "one"}, {"extra": object()}], ids=str)
def test_what_a_column_cannot_hold_is_an_error_of_ours(things: Storage, changes: dict[str, Any]) -> None:
    with pytest.raises((LoadError, TransformError)):
        bind(things, [{"id": 1, **changes}])
    assert things.query("SELECT COUNT(*) FROM things").scalar == 0


@EACH_WAY
def test_a_number_too_large_for_its_column_is_refused(things: Storage, put_in: WayIn) -> None:
    if differences(things).small_integers:
        with pytest.raises(LoadError):
            put_in(things, [{"id": 1, "small": 2**31}])
        assert things.query("SELECT COUNT(*) FROM things").scalar == 0
    else:
        put_in(things, [{"id": 1, "small": 2**31}])
        assert things.query("SELECT small FROM things").scalar == 2**31


def test_truth_is_one(things: Storage) -> None:
    assert (put(things, small=True)["small"], put(things, small=False)["small"]) == (1, 0)


def test_mappings_and_lists_become_json_text(things: Storage) -> None:
    written = put(things, extra={"b": [1, None], "a": dt.date(2026, 1, 2)})["extra"]
    assert written == '{"a": "2026-01-02", "b": [1, null]}'
    assert put(things, extra=[1, "x"])["extra"] == '[1, "x"]'


def test_instants_are_in_order_however_they_were_written(things: Storage) -> None:
    early, late = dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC), dt.datetime(2026, 1, 1, 9, 0, 0, 1, tzinfo=dt.UTC)
    bind(things, [{"id": 2, "seen_at": late}, {"id": 1, "seen_at": early.astimezone(EAST)}])
    load(things, [{"id": 3, "seen_at": late.astimezone(WEST)}])
    asked = things.query(
        "SELECT id FROM things WHERE seen_at <= :now ORDER BY seen_at", {"now": early.astimezone(WEST)}
    )
    assert asked.rows == [(1,)]
    assert things.query("SELECT id FROM things WHERE seen_at = :at ORDER BY id", {"at": late}).rows == [(2,), (3,)]
    assert things.query("SELECT id FROM things ORDER BY seen_at, id").rows == [(1,), (2,), (3,)]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)
QUANTITIES = st.integers(-(10**24) + 1, 10**24 - 1).map(lambda millionths: Decimal(millionths).scaleb(-6))
RATIOS = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).filter(
    lambda ratio: ratio == 0 or 1e-300 < abs(ratio) < 1.7e308
)
ROWS = st.fixed_dictionaries(
    {
        "name": TEXT,
        "quantity": QUANTITIES,
        "ratio": RATIOS,
        "traded_on": st.dates(),
        "seen_at": st.datetimes(timezones=st.just(dt.UTC)),
    }
)


@EACH_WAY
@given(rows=st.lists(ROWS, min_size=1, max_size=20))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_comes_back(things: Storage, put_in: WayIn, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assume(is_kept(things, row["traded_on"]) and is_kept(things, row["seen_at"].date()))
    things.execute("DELETE FROM things")
    put_in(things, [{"id": number, **row} for number, row in enumerate(rows)])
    found = things.query(f"SELECT {', '.join(rows[0])} FROM things ORDER BY id")
    assert list(found) == [{name: as_stored(things, value) for name, value in row.items()} for row in rows]


def is_kept(storage: Storage, day: dt.date) -> bool:
    ends = differences(storage).days_that_are_none
    return not (ends and ends[0] <= day <= ends[1])


@given(QUANTITIES)
def test_where_quantities_are_doubles_they_are_as_near_as_documented(quantity: Decimal) -> None:
    """What ``as_stored`` expects of SQLite: a relative error of at most 2^-53, none for whole numbers up to 2^53."""
    stored = Fraction(float(quantity))
    assert abs(stored - Fraction(quantity)) <= abs(Fraction(quantity)) / 2**53
    if quantity == int(quantity) and abs(quantity) <= 2**53:
        assert stored == quantity


def test_the_arrow_types_of_these_tests_are_of_the_columns() -> None:
    assert ARROW_TYPES.keys() == COLUMNS.keys() == LIMITS.keys()
