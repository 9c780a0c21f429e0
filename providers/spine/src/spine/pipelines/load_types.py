"""Text of a source into values of a type, a column at a time. What cannot be read is told per row, never guessed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spine.core.errors import ConfigurationError
from spine.pipelines.load_spec import ColumnType

DECIMAL = pa.decimal128(24, 6)
ARROW_TYPES: dict[ColumnType, Any] = {
    ColumnType.TEXT: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: DECIMAL,
    ColumnType.DOUBLE: pa.float64(),
    ColumnType.DATE: pa.date32(),
    ColumnType.INSTANT: pa.timestamp("us", "UTC"),
    ColumnType.BOOLEAN: pa.int64(),
}
_WHOLE = r"^[+-]?[0-9]{1,18}(\.0*)?$"
_PLAIN = r"^[+-]?[0-9]{1,18}(\.[0-9]{1,6}0*)?$"
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_BOOLEANS = {"true": 1, "t": 1, "yes": 1, "y": 1, "1": 1, "false": 0, "f": 0, "no": 0, "n": 0, "0": 0}
REASONS = {
    ColumnType.INTEGER: ("NOT_AN_INTEGER", "a whole number of at most 18 digits"),
    ColumnType.DECIMAL: ("NOT_A_DECIMAL", "a number with at most 18 digits before and 6 behind the point"),
    ColumnType.DOUBLE: ("NOT_A_NUMBER", "a number"),
    ColumnType.DATE: ("NOT_A_DATE", "a date such as 2026-01-30"),
    ColumnType.INSTANT: ("NOT_AN_INSTANT", "an instant with its time zone, such as 2026-01-30T06:00:00Z"),
    ColumnType.BOOLEAN: ("NOT_A_BOOLEAN", "true or false"),
}


@dataclass(frozen=True, slots=True)
class Converted:
    """
    :param values: null where the text was empty or could not be read.
    :param unreadable: true where it could not.
    """

    values: pa.Array
    unreadable: pa.Array


def cleaned(text: pa.Array) -> pa.Array:
    """Without space around it; null where nothing is left."""
    trimmed = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def convert(text: pa.Array, kind: ColumnType) -> Converted:
    """Cleaned text as values of a type."""
    values = _CONVERTERS[kind](text)
    return Converted(values, pc.and_(pc.is_null(values), pc.is_valid(text)))


def constant(value: Any, kind: ColumnType) -> Any:
    """A value that a person wrote, as an Arrow scalar of a type.

    :raises ConfigurationError: it is none of that type.
    """
    if value is None:
        return pa.scalar(None, ARROW_TYPES[kind])
    found = convert(cleaned(pa.array([str(value)], pa.string())), kind)
    if not found.values.is_valid()[0].as_py():
        raise ConfigurationError(f"{value!r} is no {kind}; expected {REASONS.get(kind, ('', 'text'))[1]}")
    return found.values[0]


def _matching(text: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(text, pattern), text, pa.scalar(None, pa.string()))


def _integers(text: pa.Array) -> pa.Array:
    digits = pc.replace_substring_regex(_matching(text, _WHOLE), r"^\+|\.0*$", "")
    return pc.cast(digits, pa.int64())


def _decimals(text: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(_matching(text, _PLAIN), r"^\+", "")
    short = pc.replace_substring_regex(plain, r"(\.[0-9]{6})0+$", r"\1")
    values = pc.cast(short, DECIMAL)
    left = pc.and_(pc.is_null(values), pc.is_valid(text))
    if not pc.any(left).as_py():
        return values
    # What some writers of JSON make of large and small numbers: 1e-05.
    rest = _by_distinct(pc.if_else(left, _matching(text, _NUMBER), pa.scalar(None, pa.string())), _exact, DECIMAL)
    return pc.coalesce(values, rest)


def _exact(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
        rounded = number.quantize(Decimal("0.000001"))
    except InvalidOperation:
        return None
    return rounded if rounded == number and abs(rounded) < 10**18 else None


def _doubles(text: pa.Array) -> pa.Array:
    values = pc.cast(_matching(text, _NUMBER), pa.float64())
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))


def _dates(text: pa.Array) -> pa.Array:
    return _by_distinct(text, _date, pa.date32())


def _date(text: str) -> dt.date | None:
    """ISO, with a time behind it that is let go of."""
    if len(text) > 10 and text[10] not in "T ":
        return None
    try:
        return dt.datetime.strptime(text[:10], "%Y-%m-%d").date() if len(text) >= 10 else None
    except ValueError:
        return None


def _instants(text: pa.Array) -> pa.Array:
    return _by_distinct(text, _instant, ARROW_TYPES[ColumnType.INSTANT])


def _instant(text: str) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(text)
        return found.astimezone(dt.UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _booleans(text: pa.Array) -> pa.Array:
    return _by_distinct(pc.utf8_lower(text), _BOOLEANS.get, pa.int64())


def _by_distinct(text: pa.Array, read: Callable[[str], Any], kind: Any) -> pa.Array:
    """Each distinct text is read once: dates and flags repeat."""
    encoded = text.dictionary_encode()
    distinct = pa.array([read(value) for value in encoded.dictionary.to_pylist()], kind)
    return distinct.take(encoded.indices)


_CONVERTERS: dict[ColumnType, Callable[[pa.Array], pa.Array]] = {
    ColumnType.TEXT: lambda text: text,
    ColumnType.INTEGER: _integers,
    ColumnType.DECIMAL: _decimals,
    ColumnType.DOUBLE: _doubles,
    ColumnType.DATE: _dates,
    ColumnType.INSTANT: _instants,
    ColumnType.BOOLEAN: _booleans,
}
