"""Results as Arrow: one type per column from the first batch to the last, the same ones on every database, little memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spine.core.errors import ConfigurationError, SpineError, TransformError
from spine.storage.base import Storage
from tests.support.processes import worker

pytestmark = pytest.mark.integration

QUANTITY = pa.decimal128(24, 6)
TYPES = {
    "id": pa.int64(),
    "name": pa.string(),
    "quantity": QUANTITY,
    "ratio": pa.float64(),
    "traded_on": pa.date32(),
    "seen_at": pa.timestamp("us", "UTC"),
}
NOON = dt.datetime(2026, 1, 2, 12, 0, 0, 5, tzinfo=dt.UTC)
INSERT = f"INSERT INTO trades ({', '.join(TYPES)}) VALUES ({', '.join(f':{name}' for name in TYPES)})"


@pytest.fixture
def trades(storage: Storage) -> Storage:
    kinds = dict(zip(TYPES, ("bigint", "text", "decimal", "double", "date", "instant"), strict=True))
    columns = ", ".join(f"{name} {storage.dialect.types[kind]}" for name, kind in kinds.items())
    storage.execute(f"CREATE TABLE trades ({columns}, PRIMARY KEY (id))")
    return storage


def row(number: int, **changes: Any) -> dict[str, Any]:
    usual = {"name": "ü", "quantity": Decimal(number) / 8, "ratio": 0.5, "traded_on": NOON.date(), "seen_at": NOON}
    return {"id": number, **usual, **changes}


def put(storage: Storage, *rows: dict[str, Any]) -> None:
    with storage.transaction() as session:
        for each in rows:
            session.execute(INSERT, each)


def streamed(storage: Storage, sql: str, params: Any = None, **options: Any) -> pa.Table:
    with storage.stream_arrow(sql, params, **options) as reader:
        batches = list(reader)
        assert all(batch.num_rows <= options.get("batch_rows", 50_000) for batch in batches)
        return pa.Table.from_batches(batches, reader.schema)


def test_a_stream_is_the_whole_result_in_pieces(trades: Storage) -> None:
    nothing = dict.fromkeys(TYPES, None)
    put(trades, *(row(number) for number in range(20)), *({**nothing, "id": number} for number in range(20, 25)))
    sql, params = "SELECT * FROM trades WHERE id >= :least ORDER BY id", {"least": 3}
    whole = trades.read_arrow(sql, params)
    assert whole.num_rows == 22
    for batch_rows in (1, 7, 21, 22, 23, 1000):
        assert streamed(trades, sql, params, batch_rows=batch_rows).equals(whole), batch_rows


@pytest.mark.parametrize("batch_rows", [1, 2, 5, 100])
def test_the_types_that_are_asked_for_are_the_same_everywhere(trades: Storage, batch_rows: int) -> None:
    large = {"quantity": Decimal("999999999999999999"), "seen_at": dt.datetime(1970, 1, 1, tzinfo=dt.UTC)}
    nothing = {**dict.fromkeys(TYPES, None), "id": 1}
    rows = [nothing, row(2, quantity=Decimal(2)), row(3, quantity=Decimal("0.000001")), row(4, **large)]
    put(trades, *rows)
    sql = "SELECT * FROM trades ORDER BY id"
    found = streamed(trades, sql, types=TYPES, batch_rows=batch_rows)
    assert dict(zip(found.schema.names, found.schema.types, strict=True)) == TYPES
    assert found.to_pylist() == rows
    assert trades.read_arrow(sql, types=TYPES).equals(found)


def test_what_the_database_declares_needs_no_asking(trades: Storage) -> None:
    """SQLite declares nothing: there the values of the whole result decide."""
    put(trades, *(row(number) for number in range(4)))
    schema = trades.read_arrow("SELECT * FROM trades").schema
    if trades.dialect.name == "sqlite":
        expected = TYPES | {"quantity": pa.float64(), "traded_on": pa.string(), "seen_at": pa.string()}
    else:
        expected = TYPES
    assert dict(zip(schema.names, schema.types, strict=True)) == expected


def test_nulls_and_whole_numbers_first_do_not_decide_the_type(trades: Storage) -> None:
    quantities = [None] * 10 + [Decimal(7)] * 10 + [Decimal("0.5")]
    put(trades, *(row(number, quantity=quantity) for number, quantity in enumerate(quantities)))
    found = streamed(trades, "SELECT quantity FROM trades ORDER BY id", batch_rows=5)
    assert found.column("quantity").to_pylist() == quantities


def test_numbers_and_text_in_one_column_are_text(storage: Storage) -> None:
    if storage.dialect.name != "sqlite":
        pytest.skip("only SQLite has types per value")
    storage.execute("CREATE TABLE loose (id INTEGER, value)")
    for number, value in enumerate([1, 2.5, "x", None, 7]):
        storage.execute("INSERT INTO loose VALUES (:id, :value)", {"id": number, "value": value})
    found = streamed(storage, "SELECT value FROM loose ORDER BY id", batch_rows=1)
    assert found.column("value").to_pylist() == ["1", "2.5", "x", None, "7"]


def test_quantities_and_quotients_in_one_column_are_of_one_type(storage: Storage) -> None:
    if storage.dialect.name != "postgres":
        pytest.skip("PostgreSQL alone has numbers without a declared scale")
    sql = (
        "SELECT CASE WHEN n < 8 THEN CAST(n AS NUMERIC(24, 6)) ELSE n / CAST(7 AS NUMERIC) END AS value "
        "FROM generate_series(0, 15) n"
    )
    found = streamed(storage, sql, batch_rows=4)
    assert found.schema.types == [pa.decimal128(38, 18)]
    values = found.column("value").to_pylist()
    assert values[:8] == list(range(8))
    assert [float(value) for value in values] == pytest.approx([*range(8), *(n / 7 for n in range(8, 16))], rel=1e-15)
    assert storage.read_arrow(sql).equals(found)
    assert streamed(storage, sql, batch_rows=4, types={"value": pa.float64()}).column(0)[8].as_py() == 8 / 7


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("CAST(1.005 AS NUMERIC(10, 2))", pa.decimal128(10, 2), Decimal("1.01")),
        ("CAST(1 AS NUMERIC(38, 38)) * 0", pa.decimal128(38, 18), Decimal(0)),
        ("CAST(7 AS NUMERIC(50, 20))", pa.decimal128(38, 18), Decimal(7)),
        ("CAST(1234 AS NUMERIC(3, -2))", pa.decimal128(38, 18), Decimal(1200)),
        ("power(CAST(10 AS NUMERIC), -60)", pa.decimal128(38, 18), Decimal(0)),
        ("-CAST(5 AS NUMERIC) / 1e19", pa.decimal128(38, 18), Decimal("-0.000000000000000001")),
        ("SUM(n)", pa.decimal128(38, 18), Decimal(12)),
        ("CAST(NULL AS NUMERIC)", pa.decimal128(38, 18), None),
    ],
)
def test_numerics_of_postgres(postgres_url: str, expression: str, kind: pa.DataType, value: Decimal | None) -> None:
    from tests.support.storage import open_storage

    with open_storage(postgres_url) as storage:
        if expression.startswith("CAST(1 AS NUMERIC(38, 38))"):
            expression = "CAST(0.1 AS NUMERIC(38, 38)) * 0"
        found = storage.read_arrow(f"SELECT {expression} AS value FROM (VALUES (CAST(12 AS BIGINT))) v (n)")
        assert (found.schema.types, found.column(0).to_pylist()) == ([kind], [value])


def test_rows_in_python_have_every_digit(postgres_url: str) -> None:
    from tests.support.storage import open_storage

    with open_storage(postgres_url) as storage:
        sql = "SELECT CAST('12345678901234567890.12345678901234567890123456789' AS NUMERIC) AS value"
        exact = Decimal("12345678901234567890.12345678901234567890123456789")
        assert storage.query(sql).scalar == exact
        assert [each["value"] for each in storage.stream(sql)] == [exact]


QUANTITIES = st.integers(-(10**15) + 1, 10**15 - 1).map(lambda millionths: Decimal(millionths).scaleb(-6))


@given(st.lists(QUANTITIES, min_size=1, max_size=20))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_quantity_comes_back_to_the_last_decimal(trades: Storage, quantities: list[Decimal]) -> None:
    """Also from SQLite's doubles, which hold fifteen digits."""
    trades.execute("DELETE FROM trades")
    put(trades, *(row(number, quantity=quantity) for number, quantity in enumerate(quantities)))
    found = streamed(trades, "SELECT quantity FROM trades ORDER BY id", types={"quantity": QUANTITY}, batch_rows=3)
    assert found.column("quantity").to_pylist() == quantities


def test_an_empty_result_has_its_columns_and_types(trades: Storage) -> None:
    found = streamed(trades, "SELECT * FROM trades", types=TYPES)
    assert (found.num_rows, found.schema.types) == (0, list(TYPES.values()))
    assert streamed(trades, "SELECT id, name FROM trades").schema.names == ["id", "name"]


def test_a_type_for_a_column_that_is_not_there(trades: Storage) -> None:
    with pytest.raises(ConfigurationError, match="no column 'quantiy'; did you mean 'quantity'"):
        trades.read_arrow("SELECT quantity FROM trades", types={"quantiy": QUANTITY})


def test_a_value_that_its_type_cannot_hold_is_named_by_its_column(trades: Storage) -> None:
    put(trades, row(1), row(2, name="x"))
    with pytest.raises(TransformError, match=r"column name holds what date32.*x.*name another type for it"):
        trades.read_arrow("SELECT name FROM trades WHERE id = 2", types={"name": pa.date32()})
    assert trades.query("SELECT COUNT(*) FROM trades").scalar == 2


def test_a_stream_that_fails_half_way_is_an_error_of_ours(trades: Storage) -> None:
    put(trades, *(row(number) for number in range(30)))
    # SQLite divides by zero without a word, and has no absolute value for its least integer.
    bad = {"sqlite": "abs(CASE id WHEN 20 THEN -9223372036854775807 - 1 ELSE id END)"}
    value = bad.get(trades.dialect.name, "1 / (id - 20)")
    seen = []
    with (
        pytest.raises(SpineError) as caught,
        trades.stream_arrow(
            f"SELECT {value} AS value FROM trades", batch_rows=5, types={"value": pa.int64()}
        ) as reader,
    ):
        seen.extend(batch.num_rows for batch in reader)
    assert type(caught.value) is not SpineError
    assert sum(seen) <= 20
    assert trades.query("SELECT COUNT(*) FROM trades").scalar == 30


def test_a_stream_may_be_left_early_and_ends_with_its_block(trades: Storage) -> None:
    put(trades, *(row(number) for number in range(9)))
    for _ in range(20):
        with trades.stream_arrow("SELECT id FROM trades ORDER BY id", batch_rows=2) as reader:
            assert next(reader).column(0)[0].as_py() == 0
    with pytest.raises(SpineError, match="outside of its `with` block"):
        reader.read_all()
    assert trades.execute("DELETE FROM trades") == 9


def test_an_error_of_the_reader_comes_out_as_itself(trades: Storage) -> None:
    put(trades, row(1))
    with pytest.raises(ValueError, match="mine"), trades.stream_arrow("SELECT id FROM trades"):
        raise ValueError("mine")
    put(trades, row(2))


def test_a_stream_cannot_write(trades: Storage) -> None:
    for statement in ("INSERT INTO trades (id) VALUES (1)", "DELETE FROM trades"):
        with pytest.raises(SpineError), trades.stream_arrow(statement):
            pass
    assert trades.query("SELECT COUNT(*) FROM trades").scalar == 0


@pytest.fixture
def numbers(storage: Storage) -> Iterator[Storage]:
    storage.execute("CREATE TABLE numbers (n INTEGER, name VARCHAR(200))")
    side = 1200 if storage.dialect.name != "db2" else 250
    with storage.transaction() as session:
        names = pa.array(["x" * 150] * side)
        session.bulk_load("numbers", [pa.record_batch({"n": pa.array(range(side), pa.int32()), "name": names})])
    yield storage


def test_memory_does_not_grow_with_the_result(numbers: Storage, database_url: str) -> None:
    """A result of 1.4 million rows and 450 MB (62,500 and 20 MB of Java's slower Derby), with bound values."""
    with worker("stream_arrow", database_url, "numbers") as reading:
        assert reading.says() == "ready"
        reading.go()
        code, said = reading.result()
    assert code == 0, said
    rows, megabytes, grown = map(int, said.split())
    assert rows == numbers.query("SELECT COUNT(*) FROM numbers").scalar ** 2
    assert grown < 100, f"{grown} MB for a result of {megabytes} MB"
