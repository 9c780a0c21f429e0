"""What may be stored: the same on every database. Left alone, one would refuse what another takes, cuts off or rounds.

Text without NUL, whole numbers of 64 bits, decimals of at most 18 digits before and 6 behind the point, finite doubles,
instants with a time zone in the years 1 to 9999.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spine.core.errors import LoadError

if TYPE_CHECKING:
    import pyarrow as pa

_DIGITS, _DECIMALS = 18, 6
_EXACT = "a number with at most 18 digits before and 6 behind the point"
# Of the years 1 and 9999, since 1970.
_FIRST_SECOND = int(dt.datetime(1, 1, 1, tzinfo=dt.UTC).timestamp())
_LAST_SECOND = int(dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC).timestamp())


def storable_value(value: Any) -> Any:
    """A Python value for a driver: JSON text for mappings and lists, 0 and 1 for what is true or false.

    :raises LoadError: no column could hold it as it is.
    """
    if isinstance(value, Mapping | list):
        return json.dumps(value, default=str, sort_keys=True)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return _whole(int(value))
    if isinstance(value, float) and not math.isfinite(value):
        raise LoadError(f"{value!r} cannot be stored; expected a finite number")
    if isinstance(value, Decimal) and not _is_exact(value):
        raise LoadError(f"{value!r} cannot be stored exactly; expected {_EXACT}")
    return _instant(value) if isinstance(value, dt.datetime) else value


def _text(value: str) -> str:
    if "\0" in value:
        raise LoadError(f"{value[:80]!r} holds a NUL character, which not every database can store")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise LoadError(f"{value[:80]!r} is no text: {error.reason}") from None
    return value


def _whole(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise LoadError(f"{value} cannot be stored; expected a whole number of 64 bits")
    return value


def _is_exact(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    return abs(value) < 10**_DIGITS and value == round(value, _DECIMALS)


def _instant(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise LoadError(f"{value!r} has no time zone, and each database would guess another one")
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise LoadError(f"{value.isoformat()} cannot be stored: in UTC its year is not one of 1 to 9999") from None


def refuse_unstorable(batch: pa.RecordBatch) -> None:
    """
    :raises LoadError: a column holds a value that no column could hold as it is.
    """
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if expected := _fault(column):
            raise LoadError(f"column {name} ({column.type}) holds what cannot be stored; expected {expected}")


def _fault(column: pa.Array) -> str:
    """What was expected of a column instead, '' for nothing."""
    import pyarrow.types as kinds

    kind = column.type
    if kinds.is_dictionary(kind):
        return _fault(column.dictionary)
    if kinds.is_string(kind) or kinds.is_large_string(kind):
        return "text without NUL characters" if _holds_nul(column) else ""
    if kinds.is_floating(kind):
        return "" if _all_finite(column) else "finite numbers"
    if kinds.is_decimal(kind):
        return "" if _all_exact(column) else _EXACT.replace("a number", "numbers")
    return _fault_of_instants(column) if kinds.is_timestamp(kind) else ""


def _holds_nul(column: pa.Array) -> bool:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    _, offsets, text = column.buffers()
    if offsets is None or text is None:
        return False
    places = np.frombuffer(offsets, np.int32 if pa.types.is_string(column.type) else np.int64)
    start, end = int(places[column.offset]), int(places[column.offset + len(column)])
    # Searching the bytes takes a tenth of the time of asking every value; what hides behind a null does not count.
    if text.slice(start, end - start).to_pybytes().find(b"\0") < 0:
        return False
    return bool(pc.any(pc.match_substring(column, "\0")).as_py())


def _all_finite(column: pa.Array) -> bool:
    import pyarrow.compute as pc

    return pc.all(pc.is_finite(column)).as_py() is not False


def _all_exact(column: pa.Array) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if kind.scale <= _DECIMALS and kind.precision - kind.scale <= _DIGITS:
        return True
    try:
        rounded = column.cast(pa.decimal256(76, _DECIMALS))
    except pa.ArrowInvalid:
        return False
    return (
        pc.all(pc.less(pc.abs(rounded), pa.scalar(Decimal(10**_DIGITS), pa.decimal256(76, _DECIMALS)))).as_py()
        is not False
    )


def _fault_of_instants(column: pa.Array) -> str:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.type.tz is None:
        return "instants with a time zone"
    if column.type.unit == "ns":  # of the years 1677 to 2262
        return ""
    seconds = column.cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.int64())
    ends = pc.min_max(seconds).as_py()
    inside = ends["min"] is None or (ends["min"] >= _FIRST_SECOND and ends["max"] <= _LAST_SECOND)
    return "" if inside else "instants in the years 1 to 9999"
