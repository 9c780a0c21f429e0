"""Quantities keep every digit on their way between integers, decimals and text."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from spine.finra.decimals import as_text, from_millionths, to_millionths, without_exponents
from spine.finra.text_columns import to_decimal

QUANTITIES = st.lists(st.integers(0, 2**63 - 1), max_size=20)


@given(QUANTITIES)
def test_millionths_become_decimals_and_return(millionths: list[int]) -> None:
    quantities = from_millionths(np.array(millionths, dtype=np.int64))
    assert quantities.to_pylist() == [Decimal(number).scaleb(-6) for number in millionths]
    assert to_millionths(pa.chunked_array([quantities])).tolist() == millionths


@given(QUANTITIES, st.integers(0, 20))
def test_slices_and_chunks_do_not_matter(millionths: list[int], cut: int) -> None:
    quantities = from_millionths(np.array(millionths, dtype=np.int64))
    assert to_millionths(pa.chunked_array([quantities[:cut], quantities[cut:]])).tolist() == millionths


@given(QUANTITIES)
def test_text_is_shortest_and_exact(millionths: list[int]) -> None:
    texts = as_text(pa.chunked_array([from_millionths(np.array(millionths, dtype=np.int64))])).to_pylist()
    for number, text in zip(millionths, texts, strict=True):
        assert Decimal(text) == Decimal(number).scaleb(-6)
        assert "." not in text or text[-1] not in ".0"


def test_whole_numbers_keep_their_zeros() -> None:
    assert as_text(pa.chunked_array([from_millionths(np.array([0, 100_000_000, 500_000]))])).to_pylist() == [
        "0",
        "100",
        "0.5",
    ]


@given(st.integers(0, 10**21), st.integers(-6, 2))
def test_exponents_are_written_out_exactly(digits: int, exponent: int) -> None:
    quantity = Decimal(digits).scaleb(exponent)
    [plain] = without_exponents(pa.array([f"{quantity:E}"])).to_pylist()
    assert Decimal(plain) == quantity
    assert "E" not in plain


def test_only_exponents_are_touched() -> None:
    texts = ["1.50", "", None, "0x10", "1E", "E5", "1E999", "Infinity", "1.1145304286376358E10", "+2e3", "-1E-3"]
    assert without_exponents(pa.array(texts)).to_pylist() == [*texts[:8], "11145304286.376358", "2000", "-0.001"]


def test_a_weekly_quantity_may_have_an_exponent() -> None:
    quantities, wrong = to_decimal(pa.array(["12", "1.2345678923E7", "1E3", "1.23456789E1", "1E16", "1E"]))
    assert quantities.to_pylist()[:3] == [Decimal(12), Decimal("12345678.923"), Decimal(1000)]
    assert wrong.to_pylist() == [False, False, False, True, True, True]
