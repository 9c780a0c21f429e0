"""A JSON array of objects, or one object, into rows. Line numbers are places in the array."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from spine.core.errors import SourceError
from spine.sources.base import SourceBatch
from spine.sources.batches import MAX_ROWS
from spine.sources.columns import MAX_LINES_BEFORE, checked_names
from spine.sources.json_items import ItemRows, first_columns
from spine.sources.json_scanner import JsonScanner
from spine.sources.options import ReadOptions
from spine.sources.streams import ByteStream, DecodedText


class JsonArrayRows:
    """Building it reads on to the first object, whose keys are the columns.

    With ``columns`` or ``keys`` an empty array is fine.
    """

    def __init__(self, stream: ByteStream, name: str, options: ReadOptions) -> None:
        text = DecodedText(stream, options.encoding, name)
        scanner = JsonScanner(text, name, read_size=options.block_bytes, max_item=options.max_line_bytes)
        self._items = scanner.items(options.data_path)
        self.members = scanner.members
        """What stands beside the rows in the object that ``data_path`` leads through; complete after the last row."""
        self._batch_characters = options.block_bytes
        self._seen: list[tuple[Any, str]] = []
        self._empty_ok = options.empty_ok
        self._pass_over_others = options.keys is not None
        known = options.keys or options.columns
        self.columns = self._columns_of_first_object(name) if known is None else checked_names(known, name)

    def __iter__(self) -> Iterator[SourceBatch]:
        seen, self._seen = self._seen, []
        rows, characters = ItemRows(self.columns, pass_over_others=self._pass_over_others), 0
        for number, (item, raw) in enumerate(chain(seen, self._items), start=1):
            rows.add(number, item, raw)
            characters += len(raw)
            if len(rows) >= MAX_ROWS or characters >= self._batch_characters:
                yield rows.take()
                characters = 0
        if len(rows):
            yield rows.take()

    def _columns_of_first_object(self, name: str) -> tuple[str, ...]:
        for item, raw in islice(self._items, MAX_LINES_BEFORE):
            self._seen.append((item, raw))
            if isinstance(item, dict):
                return first_columns(item, name)
        if self._empty_ok and not self._seen:
            return ()
        raise SourceError(
            f"'{name}' holds {self._found()}; expected an array of objects. Fetch it again, or set columns"
        )

    def _found(self) -> str:
        return f"no object among its first {len(self._seen)} items" if self._seen else "an empty array"
