"""Arrow batches into a table."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from spine.core.errors import ConfigurationError, LoadError
from spine.storage.base import Storage

pytestmark = pytest.mark.integration

NOON = dt.datetime(2026, 1, 2, 12, 0, 0, 5, tzinfo=dt.UTC)
NAIVE = NOON.replace(tzinfo=None)


@pytest.fixture
def table(storage: Storage) -> Storage:
    types = storage.dialect.types
    storage.execute(
        f"CREATE TABLE measures (id {types['bigint']} NOT NULL PRIMARY KEY, small {types['integer']}, name {types['text']}, "
        f"code {types['code']}, quantity {types['decimal']}, ratio {types['double']}, on_day {types['date']}, "
        f"seen_at {types['instant']})"
    )
    return storage


def load(storage: Storage, *batches: pa.RecordBatch) -> int:
    with storage.transaction() as session:
        return session.bulk_load("measures", iter(batches))


def ids(*numbers: int) -> pa.RecordBatch:
    return pa.record_batch({"id": pa.array(numbers, pa.int64())})


def count(storage: Storage) -> int:
    return int(storage.query("SELECT COUNT(*) AS n FROM measures").scalar)


@pytest.mark.parametrize(
    ("sizes", "total"),
    [([], 0), ([0], 0), ([1], 1), ([3, 2], 5), ([0, 2, 0, 0, 1, 0], 3), ([40_000, 30_000], 70_000)],
    ids=str,
)
def test_every_row_of_every_batch_is_loaded(table: Storage, sizes: list[int], total: int) -> None:
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    batches = [ids(*range(start, start + size)) for start, size in zip(starts, sizes, strict=True)]
    assert load(table, *batches) == total
    assert count(table) == total


LARGE = [Decimal("999999999999999.000000"), Decimal("0.000001")]
CASTS: list[tuple[str, pa.Array, list[Any]]] = [
    ("small", pa.array([1, None], pa.int8()), [1, None]),
    ("small", pa.array([2**31 - 1, -(2**31)], pa.int64()), [2**31 - 1, -(2**31)]),
    ("small", pa.nulls(2), [None, None]),
    ("id", pa.array([5, 6], pa.int32()), [5, 6]),
    ("id", pa.array([5, 6], pa.uint16()), [5, 6]),
    ("quantity", pa.array([1, 10**15 - 1], pa.int64()), [1, 10**15 - 1]),
    ("quantity", pa.array([0.5, None], pa.float64()), [Decimal("0.5"), None]),
    ("quantity", pa.array([Decimal("1.5"), None], pa.decimal128(5, 1)), [Decimal("1.5"), None]),
    ("quantity", pa.array(LARGE, pa.decimal128(24, 6)), LARGE),
    ("ratio", pa.array([1, 2], pa.int32()), [1.0, 2.0]),
    ("ratio", pa.array([0.1, None]), [0.1, None]),
    ("name", pa.array(["", None]), ["", None]),
    ("name", pa.array(["ü 🎉", "x" * 300], pa.large_string()), ["ü 🎉", "x" * 300]),
    ("name", pa.nulls(2), [None, None]),
    ("code", pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
    ("on_day", pa.array([dt.date(2026, 1, 2), None]), ["2026-01-02", None]),
    ("on_day", pa.array([dt.date(1970, 1, 1), dt.date(2099, 12, 31)], pa.date64()), ["1970-01-01", "2099-12-31"]),
]


def test_columns_are_cast_to_what_the_table_holds(table: Storage) -> None:
    for column, values, expected in CASTS:
        table.execute("DELETE FROM measures")
        columns = {"id": pa.array([1, 2], pa.int64()), column: values}
        assert load(table, pa.record_batch(columns)) == 2
        found = [row[0] for row in table.query(f"SELECT {column} FROM measures ORDER BY id").rows]
        plain = [str(value) if isinstance(value, dt.date) else value for value in found]
        inexact = table.dialect.name == "sqlite"
        wanted = [float(value) if inexact and isinstance(value, Decimal) else value for value in expected]
        assert plain == wanted, (column, values.type)


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_loaded_instants_equal_bound_ones(table: Storage, unit: str) -> None:
    at = NOON.replace(microsecond=0)
    seen_at = pa.array([at], pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "America/New_York"))
    load(table, pa.record_batch({"id": [1], "seen_at": seen_at}))
    table.execute("INSERT INTO measures (id, seen_at) VALUES (2, :at)", {"at": at})
    assert len({row[0] for row in table.query("SELECT seen_at FROM measures").rows}) == 1
    assert table.query("SELECT COUNT(*) AS n FROM measures WHERE seen_at = :at", {"at": at}).scalar == 2


def test_a_loaded_fraction_equals_a_bound_one(table: Storage) -> None:
    """Also for the third of all fractions that Arrow's own cast to a double misses by one bit."""
    quantities = [Decimal(number * 7919 + 123_456).scaleb(-6) for number in range(3000)]
    load(table, pa.record_batch({"id": pa.array(range(3000)), "quantity": pa.array(quantities, pa.decimal128(24, 6))}))
    found = table.query("SELECT quantity FROM measures ORDER BY id").rows
    as_stored = [float(value) for value in quantities] if table.dialect.name == "sqlite" else quantities
    assert [row[0] for row in found] == as_stored


def test_a_duplicate_key_is_a_load_error_and_nothing_stays(table: Storage) -> None:
    load(table, ids(1))
    for batches in ([ids(2, 2)], [ids(3), ids(1)], [ids(*range(10, 5000)), ids(10)]):
        with pytest.raises(LoadError, match=r"(?i)unique|duplicate"):
            load(table, *batches)
        assert count(table) == 1


def test_a_missing_value_is_a_load_error(table: Storage) -> None:
    table.execute("CREATE TABLE strict (id INTEGER NOT NULL, name VARCHAR(80) NOT NULL)")
    with pytest.raises(LoadError, match=r"(?i)null"), table.transaction() as session:
        session.bulk_load("strict", [pa.record_batch({"id": [1], "name": pa.array([None], pa.string())})])


@pytest.mark.parametrize(
    "other",
    [
        pa.record_batch({"name": ["x"], "id": [2]}),
        pa.record_batch({"id": [2]}),
        pa.record_batch({"id": [2], "name": ["x"], "small": [1]}),
        pa.record_batch({"id": [2], "code": ["x"]}),
    ],
    ids=["another order", "one less", "one more", "another name"],
)
def test_batches_have_the_columns_of_the_first(table: Storage, other: pa.RecordBatch) -> None:
    with pytest.raises(LoadError, match="expected id, name"):
        load(table, pa.record_batch({"id": [1], "name": ["x"]}), other)
    assert count(table) == 0


def test_a_value_that_does_not_fit_is_named_by_its_column(table: Storage) -> None:
    if table.dialect.name != "sqlite":  # whose integers are all of 64 bits
        with pytest.raises(LoadError, match="column small"):
            load(table, pa.record_batch({"id": [1], "small": pa.array([2**31], pa.int64())}))
    for column, value in {"quantity": Decimal(10**18), "ratio": float("nan"), "name": "a\0b", "seen_at": NAIVE}.items():
        with pytest.raises(LoadError, match=rf"column {column} \(.*cannot be stored; expected"):
            load(table, pa.record_batch({"id": [1], column: [value]}))
    assert count(table) == 0


def test_unknown_tables_and_columns_point_to_the_upgrade(table: Storage) -> None:
    with pytest.raises(ConfigurationError, match="airflow spine db upgrade"):
        load(table, pa.record_batch({"id": [1], "nothing": [1]}))
    with pytest.raises(ConfigurationError, match="airflow spine db upgrade"), table.transaction() as session:
        session.bulk_load("nowhere", [ids(1)])


@pytest.mark.parametrize("name", ["measures; DROP TABLE measures", 'mea"sures', "", "1st", "public.measures"])
def test_a_table_name_is_an_identifier(table: Storage, name: str) -> None:
    with pytest.raises(ConfigurationError, match="not a plain SQL identifier"), table.transaction() as session:
        session.bulk_load(name, [ids(1)])


def test_a_load_is_seen_by_the_statements_after_it(table: Storage) -> None:
    with table.transaction() as session:
        session.execute("INSERT INTO measures (id) VALUES (1)")
        session.bulk_load("measures", [ids(2, 3)])
        assert session.execute("UPDATE measures SET small = 1") == 3
        session.bulk_load("measures", [ids(4)])
        assert session.query("SELECT COUNT(*) AS n FROM measures").scalar == 4
