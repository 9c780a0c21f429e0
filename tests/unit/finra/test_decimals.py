"""Quantities keep every digit on their way between integers, decimals and text."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from spine.finra.decimals import as_text, from_millionths, to_millionths

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
