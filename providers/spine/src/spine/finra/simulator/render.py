"""Arrow tables as the text FINRA sends: every row of a table at once, without a Python object for any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spine.finra.decimals import as_text


class Form(Protocol):
    """How rows are written. ``rows`` gives one text for each, ended by ``between``; forms are keys of caches."""

    @property
    def between(self) -> bytes: ...

    def opening(self) -> bytes: ...

    def closing(self) -> bytes: ...

    def rows(self, table: pa.Table) -> pa.StringArray: ...


@dataclass(frozen=True, slots=True)
class JsonForm:
    """An array of objects with these keys."""

    fields: tuple[str, ...]

    @property
    def between(self) -> bytes:
        return b","

    def opening(self) -> bytes:
        return b"["

    def closing(self) -> bytes:
        return b"]"

    def rows(self, table: pa.Table) -> pa.StringArray:
        parts: list[Any] = []
        for position, name in enumerate(self.fields):
            column = table[name].combine_chunks()
            quoted = pa.types.is_string(column.type) or pa.types.is_date(column.type)
            text = _plain(column)
            value = _surrounded(_escaped(_escaped(text, "\\", "\\\\"), '"', '\\"')) if quoted else text
            parts += [f'{"," if position else "{"}"{name}":', value]
        return pc.binary_join_element_wise(*parts, "},", "", null_handling="replace", null_replacement="null")


@dataclass(frozen=True, slots=True)
class TextForm:
    """A header row and delimited rows. Unquoted values are written as they are, delimiters within them included."""

    fields: tuple[str, ...]
    delimiter: str
    quoted: bool

    @property
    def between(self) -> bytes:
        return b"\n"

    def opening(self) -> bytes:
        names = (f'"{name}"' if self.quoted else name for name in self.fields)
        return self.delimiter.join(names).encode() + b"\n"

    def closing(self) -> bytes:
        return b"\n"

    def rows(self, table: pa.Table) -> pa.StringArray:
        parts: list[Any] = []
        for name in self.fields:
            text = _plain(table[name].combine_chunks())
            parts += [_surrounded(_escaped(text, '"', '""')) if self.quoted else text, self.delimiter]
        return pc.binary_join_element_wise(*parts[:-1], "\n", "", null_handling="replace", null_replacement="")


@dataclass(frozen=True, slots=True)
class Rendered:
    """Rows as one run of bytes; ``ends[i]`` is where the first ``i`` rows end."""

    text: memoryview
    ends: Any

    @classmethod
    def of(cls, table: pa.Table, form: Form) -> Rendered:
        rows = form.rows(table)
        _, offsets, text = rows.buffers()
        ends = np.frombuffer(offsets, dtype=np.int32)[rows.offset : rows.offset + len(rows) + 1]
        return cls(memoryview(text) if text else memoryview(b""), ends)

    def fitting(self, start: int, stop: int, room: int) -> int:
        """Where a run of rows from ``start`` must stop so that it takes no more than ``room`` bytes."""
        return min(stop, int(np.searchsorted(self.ends, self.ends[start] + room, side="right")) - 1)

    def slice(self, start: int, stop: int) -> memoryview:
        return self.text[int(self.ends[start]) : int(self.ends[stop])]


def _plain(column: Any) -> Any:
    """Text of any column: dates in ISO form, decimals without trailing zeros."""
    if pa.types.is_decimal(column.type):
        return as_text(column)
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def _surrounded(text: Any) -> Any:
    return pc.binary_join_element_wise('"', text, '"', "")


def _escaped(text: Any, character: str, escape: str) -> Any:
    return pc.replace_substring(text, pattern=character, replacement=escape)
