"""Pages of a result. Rows are rendered in blocks when first asked for and kept, so that a page is mostly copying."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import pyarrow as pa

from spine.finra.simulator.render import Form, Rendered

BLOCK = 25_000
_ROWS_KEPT = 500_000


@dataclass(frozen=True, slots=True)
class Page:
    body: bytes
    rows: int


@dataclass(slots=True)
class Result:
    """All rows that a request asks for, in the order in which it gets them."""

    table: pa.Table
    _blocks: dict[tuple[Form, int], Rendered] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return int(self.table.num_rows)

    def page(self, form: Form, offset: int, limit: int, max_bytes: int | None = None) -> Page:
        """Up to ``limit`` rows after the first ``offset``: fewer when they would take more than ``max_bytes``.

        One row is always sent, however long: a page without rows would never end.
        """
        parts: list[memoryview] = []
        room, at, stop = max_bytes, offset, min(offset + limit, self.total)
        while at < stop:
            block = self._block(form, at // BLOCK)
            first = at % BLOCK
            last = min(BLOCK, first + stop - at)
            if room is not None:
                last = block.fitting(first, last, room)
                last = first + 1 if last <= first and at == offset else last
            if last <= first:
                break
            parts.append(block.slice(first, last))
            room = None if room is None else room - len(parts[-1])
            at += last - first
        text = b"".join(parts).removesuffix(form.between)
        return Page(form.opening() + text + form.closing(), max(at - offset, 0))

    def _block(self, form: Form, number: int) -> Rendered:
        if (form, number) not in self._blocks:
            self._blocks[form, number] = Rendered.of(self.table.slice(number * BLOCK, BLOCK), form)
        return self._blocks[form, number]


class Results:
    """The results used last, as many as there is room for; the newest is kept whatever its size."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Result] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], pa.Table]) -> Result:
        if key not in self._kept:
            self._kept[key] = Result(make())
            while len(self._kept) > 1 and sum(each.total for each in self._kept.values()) > _ROWS_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
