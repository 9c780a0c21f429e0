"""Arrow batches into a table: all of them, in its types, or nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from spine.core.errors import ConfigurationError, LoadError
from spine.storage.base import Storage
from tests.support.differences import as_stored
from tests.support.things import COLUMNS

pytestmark = pytest.mark.integration

NOON = dt.datetime(2026, 1, 2, 12, 0, 0, 5, tzinfo=dt.UTC)


def load(storage: Storage, *batches: pa.RecordBatch) -> int:
    with storage.transaction() as session:
        return session.bulk_load("things", iter(batches))


def ids(*numbers: int) -> pa.RecordBatch:
    return pa.record_batch({"id": pa.array(numbers, pa.int64())})


def count(storage: Storage) -> int:
    return int(storage.query("SELECT COUNT(*) AS n FROM things").scalar)


@pytest.mark.parametrize(
    ("sizes", "total"),
    [([], 0), ([0], 0), ([1], 1), ([3, 2], 5), ([0, 2, 0, 0, 1, 0], 3), ([10_001, 12_000], 22_001)],
    ids=str,
)
def test_every_row_of_every_batch_is_loaded(things: Storage, sizes: list[int], total: int) -> None:
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    batches = [ids(*range(start, start + size)) for start, size in zip(starts, sizes, strict=True)]
    assert load(things, *batches) == total
    assert count(things) == total


DAYS = [dt.date(1970, 1, 1), dt.date(2099, 12, 31)]
LARGE = [Decimal("999999999999999.000000"), Decimal("0.000001")]
CASTS: list[tuple[str, pa.Array, list[Any]]] = [
    ("small", pa.array([1, None], pa.int8()), [1, None]),
    ("small", pa.array([2**31 - 1, -(2**31)], pa.int64()), [2**31 - 1, -(2**31)]),
    ("small", pa.nulls(2), [None, None]),
    ("id", pa.array([5, 6], pa.int32()), [5, 6]),
    ("id", pa.array([5, 6], pa.uint16()), [5, 6]),
    ("id", pa.array([5, 2**63 - 1], pa.uint64()), [5, 2**63 - 1]),
    ("quantity", pa.array([1, 10**15 - 1], pa.int64()), [1, 10**15 - 1]),
    ("quantity", pa.array([0.5, None], pa.float64()), [Decimal("0.5"), None]),
    ("quantity", pa.array([Decimal("1.5"), None], pa.decimal128(5, 1)), [Decimal("1.5"), None]),
    ("quantity", pa.array(LARGE, pa.decimal128(24, 6)), LARGE),
    ("ratio", pa.array([1, 2], pa.int32()), [1.0, 2.0]),
    ("ratio", pa.array([0.1, None]), [0.1, None]),
    ("name", pa.array(["", None]), ["", None]),
    ("name", pa.array(["ü 🎉", "x" * 300], pa.large_string()), ["ü 🎉", "x" * 300]),
    ("name", pa.nulls(2), [None, None]),
    ("mark", pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
    ("traded_on", pa.array([dt.date(2026, 1, 2), None]), [dt.date(2026, 1, 2), None]),
    ("traded_on", pa.array(DAYS, pa.date64()), DAYS),
]


@pytest.mark.parametrize(
    ("column", "values", "expected"), CASTS, ids=[f"{column} from {values.type}" for column, values, _ in CASTS]
)
def test_columns_are_cast_to_what_the_table_holds(
    things: Storage, column: str, values: pa.Array, expected: list[Any]
) -> None:
    assert load(things, pa.record_batch({"id": pa.array([5, 6], pa.int64()), column: values})) == 2
    found = [row[0] for row in things.query(f"SELECT {column} FROM things ORDER BY id").rows]
    assert found == [as_stored(things, value) for value in expected]


FAULTS: list[tuple[str, pa.Array]] = [
    ("id", pa.array([2**63], pa.uint64())),
    ("small", pa.array([1.5])),
    ("small", pa.array(["one"])),
    ("quantity", pa.array(["many"])),
    ("seen_at", pa.array([1], pa.timestamp("ns", "UTC"))),
]


@pytest.mark.parametrize(
    ("column", "values"), FAULTS, ids=[f"{column} from {values.type}" for column, values in FAULTS]
)
def test_what_its_column_cannot_hold_is_refused_by_its_name(things: Storage, column: str, values: pa.Array) -> None:
    with pytest.raises(LoadError, match=f"column {column} "):
        load(things, pa.record_batch({"id": pa.array([1], pa.int64()), column: values}))
    assert count(things) == 0


def test_columns_that_are_not_loaded_are_null_and_any_order_will_do(things: Storage) -> None:
    load(things, pa.record_batch({"ratio": [0.5], "id": pa.array([1], pa.int64()), "name": ["x"]}))
    row = things.query("SELECT * FROM things").first
    assert row == {**dict.fromkeys(COLUMNS), "id": 1, "name": "x", "ratio": 0.5}


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_loaded_instants_equal_bound_ones(things: Storage, unit: str) -> None:
    at = NOON.replace(microsecond=0)
    seen_at = pa.array([at], pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "America/New_York"))
    load(things, pa.record_batch({"id": [1], "seen_at": seen_at}))
    things.execute("INSERT INTO things (id, seen_at) VALUES (2, :at)", {"at": at})
    assert len({row[0] for row in things.query("SELECT seen_at FROM things").rows}) == 1
    assert things.query("SELECT COUNT(*) AS n FROM things WHERE seen_at = :at", {"at": at}).scalar == 2


def test_a_loaded_fraction_equals_a_bound_one(things: Storage) -> None:
    """Also for the third of all fractions that Arrow's own cast to a double misses by one bit."""
    quantities = [Decimal(number * 7919 + 123_456).scaleb(-6) for number in range(3000)]
    load(things, pa.record_batch({"id": pa.array(range(3000)), "quantity": pa.array(quantities, pa.decimal128(24, 6))}))
    found = things.query("SELECT quantity FROM things ORDER BY id").rows
    assert [row[0] for row in found] == [as_stored(things, value) for value in quantities]


def test_a_duplicate_key_is_a_load_error_and_nothing_stays(things: Storage) -> None:
    load(things, ids(1))
    for batches in ([ids(2, 2)], [ids(3), ids(1)], [ids(*range(10, 5000)), ids(10)]):
        with pytest.raises(LoadError, match=r"(?i)unique|duplicate"):
            load(things, *batches)
        assert count(things) == 1


def test_a_missing_value_is_a_load_error(things: Storage) -> None:
    things.execute("CREATE TABLE strict (id INTEGER NOT NULL, name VARCHAR(80) NOT NULL)")
    with pytest.raises(LoadError, match=r"(?i)null"), things.transaction() as session:
        session.bulk_load("strict", [pa.record_batch({"id": [1], "name": pa.array([None], pa.string())})])


@pytest.mark.parametrize(
    "other",
    [
        pa.record_batch({"name": ["x"], "id": [2]}),
        pa.record_batch({"id": [2]}),
        pa.record_batch({"id": [2], "name": ["x"], "small": [1]}),
        pa.record_batch({"id": [2], "mark": ["x"]}),
    ],
    ids=["another order", "one less", "one more", "another name"],
)
def test_batches_have_the_columns_of_the_first(things: Storage, other: pa.RecordBatch) -> None:
    with pytest.raises(LoadError, match="expected id, name"):
        load(things, pa.record_batch({"id": [1], "name": ["x"]}), other)
    assert count(things) == 0


def test_unknown_tables_and_columns_point_to_the_upgrade(things: Storage) -> None:
    with pytest.raises(ConfigurationError, match="airflow spine db upgrade"):
        load(things, pa.record_batch({"id": [1], "nothing": [1]}))
    with pytest.raises(ConfigurationError, match="airflow spine db upgrade"), things.transaction() as session:
        session.bulk_load("nowhere", [ids(1)])


@pytest.mark.parametrize("name", ["things; DROP TABLE things", 'mea"sures', "", "1st", "public.things"])
def test_a_table_name_is_an_identifier(things: Storage, name: str) -> None:
    with pytest.raises(ConfigurationError, match="not a plain SQL identifier"), things.transaction() as session:
        session.bulk_load(name, [ids(1)])


def test_a_load_is_seen_by_the_statements_after_it(things: Storage) -> None:
    with things.transaction() as session:
        session.execute("INSERT INTO things (id) VALUES (1)")
        session.bulk_load("things", [ids(2, 3)])
        assert session.execute("UPDATE things SET small = 1") == 3
        session.bulk_load("things", [ids(4)])
        assert session.query("SELECT COUNT(*) AS n FROM things").scalar == 4
