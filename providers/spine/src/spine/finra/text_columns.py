"""Columns of text as numbers and dates, whole columns at a time, with a mask of what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from spine.core.errors import ValidationError

if TYPE_CHECKING:
    import pyarrow as pa

_WHOLE = r"^[+-]?[0-9]{1,15}$"
_FRACTION = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,6})?$"


def to_whole(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Text to int64 (at most 15 digits, a sign allowed), and which values are not such; null stays null."""
    import pyarrow as pa

    return _to_number(column, pa.int64(), _WHOLE)


def to_decimal(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Text to decimal(24, 6), and which values are not such: at most 15 digits before and 6 after the point, also with an
    exponent, which is how FINRA's JSON writes large fractions."""
    import pyarrow as pa

    return _to_number(column, pa.decimal128(24, 6), _FRACTION)


def _to_number(column: pa.Array, kind: pa.DataType, pattern: str) -> tuple[pa.Array, pa.Array]:
    import pyarrow as pa
    import pyarrow.compute as pc

    # Nearly every batch is digits throughout. The cast alone would not do: it takes 0x10 as 16.
    if pc.all(pc.ascii_is_decimal(column), skip_nulls=False).as_py():
        with suppress(pa.ArrowInvalid):  # beyond 64 bits
            whole = column.cast(pa.int64())
            if (pc.max(whole).as_py() or 0) < 10**15:
                return _whole_as(whole, kind), pa.repeat(pa.scalar(False), len(column))
    column = pc.utf8_trim_whitespace(column)
    if pa.types.is_decimal(kind):
        from spine.finra.decimals import without_exponents

        column = without_exponents(column)
    good = pc.fill_null(pc.match_substring_regex(column, pattern), True)
    unsigned = pc.replace_substring_regex(column, r"^\+", "")
    return pc.if_else(good, unsigned, None).cast(kind), pc.invert(good)


def _whole_as(whole: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if whole.type == kind:
        return whole
    # First one that holds any int64: Arrow refuses a narrower one, whatever the values are.
    return whole.cast(pa.decimal128(25, 6)).cast(kind)


def map_distinct(column: pa.Array, parse: Callable[[str], Any], kind: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """Parse each distinct value once; the parsed column, and which values could not be parsed (null stays null)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = column.dictionary_encode()
    parsed, failed = [], []
    for value in encoded.dictionary.to_pylist():
        try:
            parsed.append(None if value is None else parse(value.strip()))
            failed.append(False)
        except ValidationError:
            parsed.append(None)
            failed.append(True)
    values = pa.array(parsed, kind).take(encoded.indices)
    return values, pc.fill_null(pa.array(failed, pa.bool_()).take(encoded.indices), False)


def mask_distinct(column: pa.Array, check: Callable[[str], str | None]) -> pa.Array:
    """Which values ``check`` finds something wrong with, asking once for each distinct value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = pc.fill_null(column, "").dictionary_encode()
    wrong = [check(value.strip()) is not None for value in encoded.dictionary.to_pylist()]
    return pa.array(wrong, pa.bool_()).take(encoded.indices)


def unlike(column: pa.Array, pattern: str) -> pa.Array:
    import pyarrow.compute as pc

    return pc.invert(pc.match_substring_regex(column, pattern))


def blank_as_null(column: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), None, column)
