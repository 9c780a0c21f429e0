"""Text into values: what is read, what is refused, and nothing guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.pipelines.load_spec import ColumnType
from spine.pipelines.load_types import cleaned, convert

NOON = dt.datetime(2026, 1, 30, 12, 0, tzinfo=dt.UTC)


def read(kind: ColumnType, *texts: str) -> tuple[list[Any], list[bool]]:
    found = convert(cleaned(pa.array(texts, pa.string())), kind)
    return found.values.to_pylist(), found.unreadable.to_pylist()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "  a b ", "a b"),
        ("integer", "12", 12),
        ("integer", "+7", 7),
        ("integer", "-3.00", -3),
        ("decimal", "0.1", Decimal("0.1")),
        ("decimal", "-12.5000000000", Decimal("-12.5")),
        ("decimal", "999999999999999999.999999", Decimal("999999999999999999.999999")),
        ("decimal", "1e-05", Decimal("0.00001")),
        ("decimal", "1.5E+3", Decimal(1500)),
        ("double", "1e300", 1e300),
        ("double", "0.30000000000000004", 0.30000000000000004),
        ("date", "2026-01-30", dt.date(2026, 1, 30)),
        ("date", "2026-01-30T17:00:00", dt.date(2026, 1, 30)),
        ("instant", "2026-01-30T12:00:00Z", NOON),
        ("instant", "2026-01-30 07:00:00-05:00", NOON),
        ("boolean", "Yes", 1),
        ("boolean", "FALSE", 0),
    ],
)
def test_what_is_read(kind: str, text: str, value: Any) -> None:
    assert read(ColumnType(kind), text) == ([value], [False])


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("integer", ["1.5", "1e3", "x", "1,000", "9999999999999999999", "--1", "1 2", "٣", "0x10", "."]),
        ("decimal", ["1.0000001", "1e-7", "1e18", "1234567890123456789", "nan", "inf", "1,5", "1.2.3", "1e999999999"]),
        ("double", ["nan", "inf", "-Infinity", "1e999", "1.", "x", ".5"]),
        ("date", ["2026-02-30", "30.01.2026", "2026-1-3", "20260130", "2026-01-301", "01/30/2026", "2026-01"]),
        ("instant", ["2026-01-30T12:00:00", "2026-01-30", "12:00Z", "0001-01-01T00:00:00+14:00"]),
        ("boolean", ["maybe", "2", "-"]),
    ],
)
def test_what_is_refused(kind: str, texts: list[str]) -> None:
    assert read(ColumnType(kind), *texts) == ([None] * len(texts), [True] * len(texts))


@pytest.mark.parametrize("kind", list(ColumnType))
def test_empty_is_null_and_no_mistake(kind: ColumnType) -> None:
    assert read(kind, "", "  ", "\t") == ([None] * 3, [False] * 3)


@given(st.lists(st.decimals(min_value=-(10**17), max_value=10**17, places=6)))
def test_decimals_are_exact(numbers: list[Decimal]) -> None:
    assert read(ColumnType.DECIMAL, *map(str, numbers))[0] == numbers


@given(st.sampled_from([each for each in ColumnType if each is not ColumnType.TEXT]), st.lists(st.text(max_size=12)))
def test_no_text_whatever_raises(kind: ColumnType, texts: list[str]) -> None:
    storable = [text.encode("utf-8", "replace").decode() for text in texts]
    values, unreadable = read(kind, *storable)
    assert all((value is None) or not broken for value, broken in zip(values, unreadable, strict=True))
