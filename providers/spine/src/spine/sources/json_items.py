"""JSON objects into rows of text. Numbers keep the digits they were written with; nothing passes through a float."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from spine.core.errors import SourceError
from spine.sources.base import RejectedLine, SourceBatch
from spine.sources.batches import Fault, text_batch
from spine.sources.columns import checked_names


class NumberText(str):
    """A JSON number as written."""

    __slots__ = ()


class RepeatedKeys(dict[str, Any]):
    """An object that names a key twice: whichever value were kept, the other would be lost without a word."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else RepeatedKeys(members)


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=NumberText, parse_int=NumberText, parse_constant=_refuse_constant
)


def first_columns(item: dict[str, Any], name: str) -> tuple[str, ...]:
    if isinstance(item, RepeatedKeys):
        raise SourceError(f"The first object of '{name}' names a key twice; expected each once. Correct it")
    if not item:
        raise SourceError(f"The first object of '{name}' has no keys; expected the columns. Correct it or set columns")
    return checked_names(item, name)


class ItemRows:
    """Collects items of known columns until they are taken as a batch.

    :param pass_over_others: a key that is no column is left out instead of making its item a reject.
    """

    def __init__(self, columns: Sequence[str], *, pass_over_others: bool = False) -> None:
        self._pass_over_others = pass_over_others
        self._columns = tuple(columns)
        self._known = frozenset(columns)
        self._rows: list[list[str]] = []
        self._numbers: list[int] = []
        self._rejects: list[RejectedLine] = []

    def __len__(self) -> int:
        return len(self._rows) + len(self._rejects)

    def add(self, number: int, item: Any, raw: str) -> None:
        """
        :param number: physical line, or 1-based place in the array.
        :param raw: the item's JSON text.
        """
        row = self._row(item, raw)
        if isinstance(row, Fault):
            self.reject(number, row, raw.encode("utf-8", "replace"))
        else:
            self._rows.append(row)
            self._numbers.append(number)

    def reject(self, number: int, fault: Fault, raw: bytes) -> None:
        self._rejects.append(fault.rejects(number, raw))

    def take(self) -> SourceBatch:
        batch = SourceBatch(text_batch(self._columns, self._rows, self._numbers), self._rejects)
        self._rows, self._numbers, self._rejects = [], [], []
        return batch

    def _row(self, item: Any, raw: str) -> list[str] | Fault:
        if not isinstance(item, dict):
            return Fault("NOT_AN_OBJECT", f"expected an object, found {kind_of(item)}")
        if not (self._pass_over_others or self._known.issuperset(item)):
            unknown = next(key for key in item if key not in self._known)
            return Fault("UNKNOWN_KEY", f"key '{shown_key(unknown)}' is not among the columns")
        try:
            row = [as_text(item.get(column)) for column in self._columns]
            repeated = isinstance(item, RepeatedKeys)
        except (ValueError, RecursionError) as error:
            return invalid_json(error)
        if repeated:
            return Fault("INVALID_JSON", "a key occurs twice")
        # Only an escape can bring these in, so most rows are spared the second look.
        return _escape_fault(row) or row if "\\u" in raw else row


def invalid_json(error: ValueError | RecursionError) -> Fault:
    if isinstance(error, json.JSONDecodeError):
        return Fault("INVALID_JSON", f"{error.msg} at position {error.pos + 1}")
    return Fault("INVALID_JSON", "nested too deeply" if isinstance(error, RecursionError) else str(error))


def as_text(value: Any) -> str:
    """A member as a cell: null is empty, a string is itself, everything else is its JSON text."""
    if isinstance(value, str):
        return value
    return "" if value is None else _json_text(value)


def kind_of(item: Any) -> str:
    if item is None or isinstance(item, bool):
        return _json_text(item)
    if isinstance(item, NumberText):
        return "a number"
    return "a string" if isinstance(item, str) else "an array"


def shown_key(key: str) -> str:
    return key[:100].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _json_text(value: Any) -> str:
    """Compact JSON; ``json.dumps`` would quote the numbers."""
    match value:
        case NumberText():
            return str(value)
        case RepeatedKeys():
            raise ValueError("a key occurs twice")
        case dict():
            return "{" + ",".join(f"{_json_text(key)}:{_json_text(member)}" for key, member in value.items()) + "}"
        case list():
            return "[" + ",".join(map(_json_text, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _escape_fault(row: Sequence[str]) -> Fault | None:
    text = "".join(row)
    if "\0" in text:
        return Fault("NUL_BYTE", "a value holds \\u0000, which is no text in a database")
    try:
        text.encode()
    except UnicodeEncodeError:
        return Fault("INVALID_ENCODING", "a value holds half of a surrogate pair, which is no character")
    return None
