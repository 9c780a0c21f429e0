"""Columns of a Db2 result: their names and types here, and how the driver's values become ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import pyarrow as pa

_LOADED_DECIMALS = (38, 6)


@dataclass(frozen=True, slots=True)
class Column:
    """
    :param kind: one of decimal, bigint, integer, double, date, instant, boolean, text.
    :param width: the most bytes that a value may have.
    """

    name: str
    kind: str
    width: int
    precision: int
    scale: int

    @classmethod
    def described(cls, description: Sequence[Any]) -> Self:
        """From an entry of a cursor's ``description``."""
        name, type_object, _, width, precision, scale, *_ = description
        # Db2 folds plain names to upper case; one in mixed case was quoted, and is kept.
        plain = name.lower() if name == name.upper() else name
        return cls(plain, _kind(type_object), width or 0, precision or 0, scale or 0)

    @property
    def arrow(self) -> pa.DataType:
        """The type in an Arrow table that was read."""
        import pyarrow as pa

        if self.kind == "decimal":
            return pa.decimal128(max(self.precision, self.scale, 1), self.scale)
        return {
            "bigint": pa.int64(),
            "integer": pa.int32(),
            "double": pa.float64(),
            "boolean": pa.bool_(),
            "date": pa.date32(),
            "instant": pa.timestamp("us", "UTC"),
        }.get(self.kind, pa.string())

    @property
    def loaded(self) -> pa.DataType:
        """The type in which a bulk load gives its values to the driver."""
        import pyarrow as pa

        if self.kind == "decimal":  # what is too large for the column, the database says best
            return pa.decimal128(*_LOADED_DECIMALS)
        return pa.timestamp("us") if self.kind == "instant" else self.arrow

    @property
    def sql_type(self) -> str:
        """The type as a definition of a table spells it."""
        types = {"decimal": f"DECIMAL({self.precision}, {self.scale})", "instant": "TIMESTAMP", "text": ""}
        return types.get(self.kind, self.kind.upper()) or f"VARCHAR({self.width})"

    @property
    def read(self) -> Callable[[Any], Any] | None:
        """How a value that is there becomes ours, None where it already is."""
        return {"decimal": _decimal, "instant": _instant}.get(self.kind)


def _kind(type_object: Any) -> str:
    import ibm_db_dbi

    kinds = {
        ibm_db_dbi.DECIMAL: "decimal",
        ibm_db_dbi.BIGINT: "bigint",
        ibm_db_dbi.NUMBER: "integer",
        ibm_db_dbi.FLOAT: "double",
        ibm_db_dbi.BOOLEAN: "boolean",
        ibm_db_dbi.DATE: "date",
        ibm_db_dbi.DATETIME: "instant",
    }
    return next((kind for known, kind in kinds.items() if known is type_object), "text")


def _decimal(text: Any) -> Decimal:
    return Decimal(str(text).replace(",", "."))  # the driver takes the comma from the locale


def _instant(value: dt.datetime) -> dt.datetime:
    return value.replace(tzinfo=dt.UTC)
