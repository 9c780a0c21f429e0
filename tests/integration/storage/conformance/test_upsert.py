"""A staged set of rows brought into a table: what is new, what differs, what is gone, and nothing else is touched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from spine.core.errors import ConfigurationError, LoadError
from spine.storage.base import Session, Storage
from spine.storage.upsert import (
    LINE_NUMBER,
    MergeCounts,
    Target,
    append,
    create_stage,
    drop_stage,
    merge,
    remove_lines,
    remove_missing,
    repeated_keys,
)
from tests.support.differences import as_stored

pytestmark = pytest.mark.integration

MONDAY, FRIDAY = dt.date(2026, 1, 5), dt.date(2026, 1, 9)
FIRST, SECOND = (dt.datetime(2026, 1, 9, hour, tzinfo=dt.UTC) for hour in (1, 2))
TRADES = Target("trades", ("traded_on", "mark"), ("name", "quantity", "ratio", "small"), ("seen_at",))
SCHEMA = pa.schema(
    {
        "traded_on": pa.date32(),
        "mark": pa.string(),
        "name": pa.string(),
        "quantity": pa.decimal128(24, 6),
        "ratio": pa.float64(),
        "small": pa.int64(),
        "seen_at": pa.timestamp("us", "UTC"),
        LINE_NUMBER: pa.int64(),
    }
)
Row = Mapping[str, Any]
A: Row = {"traded_on": MONDAY, "mark": "A", "name": "one", "quantity": Decimal("0.1"), "ratio": 0.1, "small": 1}
B: Row = {
    "traded_on": MONDAY,
    "mark": "B",
    "name": "",
    "quantity": Decimal("123456789.123457"),
    "ratio": None,
    "small": None,
}
OTHER: Row = {**A, "traded_on": FRIDAY}


@pytest.fixture
def trades(storage: Storage) -> Storage:
    kinds = storage.dialect.types
    storage.execute(
        f"CREATE TABLE trades (traded_on {kinds['date']} NOT NULL, mark {kinds['code']} NOT NULL, name {kinds['text']}, "
        f"quantity {kinds['decimal']}, ratio {kinds['double']}, small {kinds['integer']}, seen_at {kinds['instant']}, "
        "PRIMARY KEY (traded_on, mark))"
    )
    return storage


def stage(session: Session, rows: Sequence[Row], at: dt.datetime = FIRST, target: Target = TRADES) -> str:
    """The name of a stage with these rows, numbered from 2 as in a file with a header."""
    name = create_stage(session, target)
    numbered = [{**row, "seen_at": at, LINE_NUMBER: number} for number, row in enumerate(rows, start=2)]
    columns = pa.schema([SCHEMA.field(column) for column in (*target.columns, LINE_NUMBER)])
    session.bulk_load(name, [pa.RecordBatch.from_pylist(numbered, schema=columns)])
    return name


def bring_in(storage: Storage, *rows: Row, at: dt.datetime = FIRST, within: Row | None = None) -> MergeCounts:
    """Merge; within a partition also remove what is not among the rows."""
    with storage.transaction() as session:
        staged = stage(session, rows, at)
        counts = merge(session, TRADES, staged)
        deleted = remove_missing(session, TRADES, staged, within) if within is not None else 0
        drop_stage(session, staged)
    return MergeCounts(counts.inserted, counts.updated, counts.unchanged, deleted)


def stored(storage: Storage) -> list[Row]:
    return list(storage.query("SELECT * FROM trades ORDER BY traded_on, mark"))


def written(storage: Storage, at: dt.datetime, *rows: Row) -> list[Row]:
    """Rows as they are read back, written at an instant."""
    return [{name: as_stored(storage, value) for name, value in {**row, "seen_at": at}.items()} for row in rows]


def test_new_rows_are_inserted_and_equal_ones_left_alone(trades: Storage) -> None:
    assert bring_in(trades, A, B) == MergeCounts(inserted=2)
    assert bring_in(trades, A, B, OTHER, at=SECOND) == MergeCounts(inserted=1, unchanged=2)
    assert stored(trades) == [*written(trades, FIRST, A, B), *written(trades, SECOND, OTHER)]


CHANGES: list[Row] = [
    {"name": "One"},
    {"name": "one\t"},
    {"quantity": Decimal("0.100001")},
    {"ratio": 0.1 + 2**-54},
    {"small": -1},
]


def test_any_difference_updates_its_row_alone(trades: Storage) -> None:
    for change in CHANGES:
        bring_in(trades, A, B)
        at = stored(trades)[1]["seen_at"]
        assert bring_in(trades, {**A, **change}, B, at=SECOND) == MergeCounts(updated=1, unchanged=1), change
        changed, other = stored(trades)
        assert [changed] == written(trades, SECOND, {**A, **change})
        assert other["seen_at"] == at


def test_null_and_a_value_differ_both_ways_and_null_equals_null(trades: Storage) -> None:
    bring_in(trades, A)
    for column in TRADES.compared:
        without = {**A, column: None}
        assert bring_in(trades, without) == MergeCounts(updated=1), column
        assert bring_in(trades, without, at=SECOND) == MergeCounts(unchanged=1), column
        assert stored(trades) == written(trades, FIRST, without)
        assert bring_in(trades, A) == MergeCounts(updated=1), column


def test_an_empty_stage_changes_nothing(trades: Storage) -> None:
    bring_in(trades, A)
    assert bring_in(trades) == MergeCounts()
    assert stored(trades) == written(trades, FIRST, A)


def test_a_replaced_partition_holds_what_was_staged_and_the_others_stay(trades: Storage) -> None:
    bring_in(trades, A, B, OTHER)
    changed, new = {**A, "small": 9}, {**A, "mark": "C"}
    replaced = bring_in(trades, changed, new, at=SECOND, within={"traded_on": MONDAY})
    assert replaced == MergeCounts(inserted=1, updated=1, deleted=1)
    assert stored(trades) == [*written(trades, SECOND, changed, new), *written(trades, FIRST, OTHER)]
    assert bring_in(trades, within={"traded_on": MONDAY}) == MergeCounts(deleted=2)
    assert stored(trades) == written(trades, FIRST, OTHER)


def test_a_table_of_keys_and_stamps_alone(trades: Storage) -> None:
    target = Target("trades", TRADES.key, (), ("seen_at",))
    for at, expected in ((FIRST, MergeCounts(inserted=2)), (SECOND, MergeCounts(unchanged=2))):
        with trades.transaction() as session:
            staged = stage(session, [A, B], at, target)
            assert merge(session, target, staged) == expected
            drop_stage(session, staged)
    assert [row["seen_at"] for row in stored(trades)] == [as_stored(trades, FIRST)] * 2


def test_many_rows_of_which_some_changed(trades: Storage) -> None:
    rows = [{**A, "mark": f"{number:04}", "small": number} for number in range(1500)]
    assert bring_in(trades, *rows[:1000]) == MergeCounts(inserted=1000)
    changed = [{**row, "name": "two"} if number % 7 == 0 else row for number, row in enumerate(rows)]
    assert bring_in(trades, *changed) == MergeCounts(inserted=500, updated=143, unchanged=857)
    assert trades.query("SELECT COUNT(*) FROM trades WHERE name = 'two'").scalar == 215


def test_rows_of_one_key_are_told_in_the_order_of_their_lines_and_can_be_taken_out(trades: Storage) -> None:
    with trades.transaction() as session:
        staged = stage(session, [B, A, OTHER, {**A, "name": "two"}, B, B])
        repeated = repeated_keys(session, TRADES, staged)
        assert [(row["mark"], row[LINE_NUMBER]) for row in repeated] == [
            ("B", 2),
            ("A", 3),
            ("A", 5),
            ("B", 6),
            ("B", 7),
        ]
        assert [row["name"] for row in repeated] == ["", "one", "two", "", ""]
        assert remove_lines(session, staged, [3, 6, 7, 99]) == 3
        assert repeated_keys(session, TRADES, staged) == []
        assert merge(session, TRADES, staged) == MergeCounts(inserted=3)
        drop_stage(session, staged)
    assert stored(trades) == written(trades, FIRST, {**A, "name": "two"}, B, OTHER)


def test_more_lines_than_a_statement_takes(trades: Storage) -> None:
    with trades.transaction() as session:
        staged = stage(session, [{**A, "mark": str(number)} for number in range(1200)])
        assert remove_lines(session, staged, range(2, 1102)) == 1100
        assert merge(session, TRADES, staged) == MergeCounts(inserted=100)
        drop_stage(session, staged)


def test_appended_rows_are_added_or_none_is(trades: Storage) -> None:
    with trades.transaction() as session:
        staged = stage(session, [A, OTHER])
        assert append(session, TRADES, staged) == MergeCounts(inserted=2)
        drop_stage(session, staged)
    before = stored(trades)
    with pytest.raises(LoadError), trades.transaction() as session:
        append(session, TRADES, stage(session, [B, A]))
    assert stored(trades) == before


def test_a_stage_is_gone_with_its_transaction(trades: Storage) -> None:
    with pytest.raises(ValueError, match="late"), trades.transaction() as session:
        staged = stage(session, [A])
        merge(session, TRADES, staged)
        raise ValueError("late")
    assert stored(trades) == []
    assert trades.tables() == ["trades"]


@pytest.mark.parametrize("name", ["trades; DROP TABLE trades", "a b", "", "1st"])
def test_names_are_identifiers(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not a plain SQL identifier"):
        Target(name, ("mark",), ())
    with pytest.raises(ConfigurationError, match="not a plain SQL identifier"):
        Target("trades", ("mark",), (name,))
