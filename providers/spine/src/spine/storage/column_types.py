"""Arrow types of the columns of tables and views, as the catalog declares them: the same ones on every database.

SQLite's catalog tells numbers from text and no more. There the names tell: a text column ``week_ending``, ``first_week``
or ``..._date`` holds dates, and ``..._at`` instants. The migrations keep to that (there is a test).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spine.storage.base import Storage

_QUANTITY = (24, 6)  # ${decimal} in a migration
_DATES = ("week_ending", "first_week")
_NUMBERS = {
    "bigint": "int64",
    "integer": "int64",
    "smallint": "int64",
    "double": "float64",
    "double precision": "float64",
    "real": "float64",
    "numeric": "quantity",
    "decimal": "quantity",
    "boolean": "bool_",
    "date": "date32",
}


def column_types(storage: Storage, table: str) -> dict[str, Any]:
    """The type of each column of a table or view; without those that SQLite does not know, which a view computes."""
    found = {name: _type(name, declared) for name, declared in storage.columns(table).items()}
    return {name: kind for name, kind in found.items() if kind is not None}


def known_types(storage: Storage) -> dict[str, Any]:
    """The type of every column name that means the same in all tables and views."""
    found: dict[str, set[Any]] = {}
    for table in storage.tables():
        for name, kind in column_types(storage, table).items():
            found.setdefault(name, set()).add(kind)
    return {name: kinds.pop() for name, kinds in found.items() if len(kinds) == 1}


def _type(name: str, declared: str) -> Any:
    import pyarrow as pa

    word = declared.lower().partition("(")[0].strip()
    if word.startswith("timestamp") or (word == "text" and name.endswith("_at")):
        return pa.timestamp("us", "UTC")
    if word == "text" and (name in _DATES or name.endswith("_date")):
        return pa.date32()
    if word not in _NUMBERS:
        return pa.string() if word else None
    number = _NUMBERS[word]
    return pa.decimal128(*_QUANTITY) if number == "quantity" else getattr(pa, number)()
