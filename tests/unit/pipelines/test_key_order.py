from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from spine.pipelines.key_order import KeyOrder

_CODES = st.sampled_from(["", "A", "AA", "AB", "B", "B.A", "Z"])
_KEYS = st.lists(st.tuples(_CODES, _CODES), max_size=12)


def in_batches(keys: list[tuple[str, str]], size: int) -> KeyOrder:
    order = KeyOrder()
    for start in range(0, len(keys), size):
        symbols, mpids = zip(*keys[start : start + size], strict=True)
        order.add(pa.record_batch({"symbol": pa.array(symbols), "mpid": pa.array(mpids)}))
    return order


@given(_KEYS, st.integers(1, 5))
def test_rows_ascend_when_they_are_sorted_and_no_key_repeats(keys: list[tuple[str, str]], size: int) -> None:
    assert in_batches(keys, size).ascends == (keys == sorted(set(keys)))


@given(_KEYS, st.integers(1, 5))
def test_sorted_distinct_keys_ascend_however_they_are_cut(keys: list[tuple[str, str]], size: int) -> None:
    assert in_batches(sorted(set(keys)), size).ascends


def test_no_rows_ascend() -> None:
    assert KeyOrder().ascends
