"""Share quantities between Arrow's decimals, integers (exact arithmetic in numpy) and text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def from_millionths(millionths: NDArray[np.int64]) -> pa.Array:
    """Non-negative integers as decimal128(24, 6)."""
    return from_units(millionths, pa.decimal128(24, 6))


def from_units(units: NDArray[np.int64], to: Any) -> pa.Array:
    """Non-negative integers as decimals of the type ``to``, counted in its last place."""
    words = np.zeros((len(units), 2), dtype="<i8")  # a 128-bit little-endian integer; the high word stays 0
    words[:, 0] = units
    return pa.Array.from_buffers(to, len(units), [None, pa.py_buffer(words)])


def to_millionths(quantities: pa.ChunkedArray) -> NDArray[np.int64]:
    """decimal128(24, 6) without nulls, below 2^63 millionths, as integers."""
    chunks = [
        np.frombuffer(chunk.buffers()[1], dtype="<i8").reshape(-1, 2)[chunk.offset : chunk.offset + len(chunk), 0]
        for chunk in quantities.chunks
        if len(chunk)
    ]
    return np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.int64)


def as_text(quantities: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals as FINRA writes them: no trailing zeros, no point in a whole number. The type must have a scale."""
    digits = pc.cast(quantities, pa.string())
    return pc.utf8_rtrim(pc.utf8_rtrim(digits, characters="0"), characters=".")


def without_exponents(quantities: pa.Array) -> pa.Array:
    """Text such as ``1.2345678923E7``, as FINRA's JSON writes fractions from ten million on, in plain digits."""
    scientific = pc.fill_null(
        pc.match_substring_regex(quantities, r"^[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]{1,2}$"), False
    )
    if not pc.any(scientific).as_py():
        return quantities
    plain = [f"{Decimal(text):f}" for text in quantities.filter(scientific).to_pylist()]
    return pc.replace_with_mask(quantities, scientific, pa.array(plain, pa.string()))
