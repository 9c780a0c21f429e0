"""Columns of SQLite, which by itself takes anything anywhere: the types that a load is held to.

By the declared type, as SQLite's own affinity goes (https://www.sqlite.org/datatype3.html, 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_INTEGERS = ("INT",)
_TEXTS = ("CHAR", "CLOB", "TEXT")
_DOUBLES = ("REAL", "FLOA", "DOUB")


def load_schema(declared: Mapping[str, str], given: pa.Schema) -> pa.Schema:
    """
    :param declared: type names of the table's columns.
    """
    import pyarrow as pa

    kinds = {name.lower(): kind.upper() for name, kind in declared.items()}
    return pa.schema([pa.field(field.name, _stored(kinds.get(field.name.lower(), ""), field.type)) for field in given])


def _stored(declared: str, given: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    for words, kind in ((_INTEGERS, pa.int64()), (_TEXTS, pa.string()), (_DOUBLES, pa.float64())):
        if any(word in declared for word in words):
            return kind
    if pa.types.is_integer(given) or pa.types.is_boolean(given):
        return pa.int64()
    if pa.types.is_temporal(given) or pa.types.is_null(given):  # a date in a column of no known type
        return pa.string()
    return pa.float64() if "NUMERIC" in declared or pa.types.is_decimal(given) else _plain(given)


def _plain(given: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return pa.string() if pa.types.is_dictionary(given) else given
