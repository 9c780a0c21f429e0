"""Two observations are the same when their rows are, whatever the order and the batches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.pipelines.content_hash import ContentHash

SCHEMA = pa.schema(
    {
        "line_number": pa.int64(),
        "symbol": pa.string(),
        "crd_number": pa.int64(),
        "total_shares": pa.decimal128(24, 6),
        "updated": pa.date32(),
    }
)
Row = tuple[str | None, int | None, Decimal | None, dt.date | None]
GOLDEN_ROWS: list[Row] = [
    ("AAPL", 1, Decimal("1.500000"), dt.date(2025, 12, 15)),
    ("", None, Decimal("999999999999999.999999"), None),
    (None, -1, None, dt.date(1969, 12, 31)),
    ("ÄÖ🎉", 0, Decimal("-0.000001"), dt.date(2026, 1, 2)),
]
ROWS = st.tuples(
    st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(10**21), 10**21).map(lambda millionths: Decimal(millionths).scaleb(-6)),
    st.none() | st.dates(dt.date(1900, 1, 1)),
)


def batch(rows: Sequence[Row], first_line: int = 1) -> pa.RecordBatch:
    numbered = [(first_line + number, *row) for number, row in enumerate(rows)]
    columns = [pa.array([row[index] for row in numbered], field.type) for index, field in enumerate(SCHEMA)]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def digest(*batches: pa.RecordBatch) -> str:
    content = ContentHash()
    for each in batches:
        content.add(each)
    return content.hexdigest()


def test_a_stored_hash_stays_comparable() -> None:
    """Change this value and every file of every deployment is captured once more."""
    assert digest(batch(GOLDEN_ROWS)) == "a65c3735b93982a14a2a24b1ebac7f88d6c7ce54013dd9ae6a57df829386a4f5"


@given(st.lists(ROWS, max_size=12), st.randoms(use_true_random=False), st.integers(0, 12))
def test_order_batches_and_line_numbers_do_not_matter(rows: list[Row], chance: Any, cut: int) -> None:
    shuffled = rows.copy()
    chance.shuffle(shuffled)
    split = digest(batch(shuffled[:cut], 100), batch([]), batch(shuffled[cut:], 7))
    assert split == digest(batch(rows))


@given(st.lists(ROWS, max_size=6), st.integers(0, 3), st.integers(0, 3))
def test_a_slice_is_what_it_shows(rows: list[Row], before: int, after: int) -> None:
    whole = batch([*GOLDEN_ROWS[:before], *rows, *GOLDEN_ROWS[:after]])
    assert digest(whole.slice(before, len(rows))) == digest(batch(rows))


@given(st.lists(ROWS, min_size=1, max_size=6), st.data())
def test_one_changed_value_is_another_content(rows: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 3))
    other = data.draw(ROWS.filter(lambda row: row[column] != rows[place][column]))
    changed = list(rows[place])
    changed[column] = other[column]
    assert digest(batch([*rows[:place], tuple(changed), *rows[place + 1 :]])) != digest(batch(rows))  # type: ignore[list-item]


@given(st.lists(ROWS, max_size=6), ROWS)
def test_a_row_more_is_another_content(rows: list[Row], row: Row) -> None:
    contents = {digest(batch([*rows, *[row] * times])) for times in range(4)}
    assert len(contents) == 4


def test_values_that_look_alike_differ() -> None:
    rows: list[Row] = [
        ("", 0, Decimal(0), None),
        (None, 0, Decimal(0), None),
        ("", None, Decimal(0), None),
        ("", 0, None, None),
        ("", 0, Decimal(0), dt.date(1970, 1, 1)),
        ("0", 0, Decimal(0), None),
        ("\0", 0, Decimal(0), None),
        (" ", 0, Decimal(0), None),
        ("", 0, Decimal("0.000001"), None),
        ("", 1, Decimal(0), None),
        ("", -1, Decimal(0), None),
    ]
    assert len({digest(batch([row])) for row in rows}) == len(rows)


def test_values_swapped_between_rows_or_columns_are_another_content() -> None:
    one, other = ("A", 1, Decimal(5), None), ("B", 2, Decimal(6), None)
    crossed = [("A", 2, Decimal(5), None), ("B", 1, Decimal(6), None)]
    assert digest(batch([one, other])) != digest(batch(crossed))
    texts = {"a": pa.array(["x"]), "b": pa.array(["y"])}
    assert digest(pa.record_batch(texts)) != digest(pa.record_batch({"a": texts["b"], "b": texts["a"]}))


@pytest.mark.parametrize("times", [2, 3, 2**16])
def test_repeated_rows_do_not_cancel_out(times: int) -> None:
    assert digest(batch(GOLDEN_ROWS[:1] * times)) != digest(batch([]))
    assert digest(batch(GOLDEN_ROWS[:1] * times)) != digest(batch(GOLDEN_ROWS[:1] * (times - 1)))


def test_nothing_is_a_content_too() -> None:
    assert digest() == digest(batch([])) == digest(batch([]), batch([]))
    assert digest() != digest(batch([(None, None, None, None)]))
