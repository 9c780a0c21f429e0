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
    """Building it reads on to the first object, whose keys are the columns. With ``columns`` an empty array is fine."""

    def __init__(self, stream: ByteStream, name: str, options: ReadOptions) -> None:
        text = DecodedText(stream, options.encoding, name)
        scanner = JsonScanner(text, name, read_size=options.block_bytes, max_item=options.max_line_bytes)
        self._items = scanner.items()
        self._batch_characters = options.block_bytes
        self._seen: list[tuple[Any, str]] = []
        self.columns = (
            self._columns_of_first_object(name) if options.columns is None else checked_names(options.columns, name)
        )

    def __iter__(self) -> Iterator[SourceBatch]:
        seen, self._seen = self._seen, []
        rows, characters = ItemRows(self.columns), 0
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
        raise SourceError(
            f"'{name}' holds {self._found()}; expected an array of objects. Fetch it again, or set columns"
        )

    def _found(self) -> str:
        return f"no object among its first {len(self._seen)} items" if self._seen else "an empty array"
