"""JSON Lines into rows: one object a line, each line on its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from spine.core.errors import SourceError
from spine.sources.base import SourceBatch
from spine.sources.batches import MAX_ROWS, Fault, line_too_long_fault
from spine.sources.columns import MAX_LINES_BEFORE, checked_names
from spine.sources.json_items import DECODER, ItemRows, first_columns, invalid_json
from spine.sources.line_checks import BlockLines, line_faults
from spine.sources.lines import LineBlock, LineReader, LongLine
from spine.sources.options import ReadOptions
from spine.sources.streams import ByteStream, as_utf8

BLANK = b" \t\r"


class JsonLineRows:
    """Building it reads on to the first object, whose keys are the columns."""

    def __init__(self, stream: ByteStream, name: str, options: ReadOptions) -> None:
        self._max_line_bytes = options.max_line_bytes
        reader = LineReader(
            as_utf8(stream, options.encoding, name),
            block_bytes=options.block_bytes,
            max_line_bytes=options.max_line_bytes,
        )
        self._blocks = _parts(reader)
        self._seen: list[LineBlock | LongLine] = []
        self._pass_over_others = options.keys is not None
        known = options.keys or options.columns
        self.columns = self._columns_of_first_object(name) if known is None else checked_names(known, name)

    def __iter__(self) -> Iterator[SourceBatch]:
        seen, self._seen = self._seen, []
        rows = ItemRows(self.columns, pass_over_others=self._pass_over_others)
        for block in chain(seen, self._blocks):
            if isinstance(block, LongLine):
                fault = line_too_long_fault(block.length, self._max_line_bytes)
                rows.reject(block.line_number, fault, block.head)
            else:
                self._add(rows, block)
            yield rows.take()

    def _add(self, rows: ItemRows, block: LineBlock) -> None:
        lines = BlockLines(block)
        faults = line_faults(lines, max_line_bytes=self._max_line_bytes, blank=BLANK)
        for index in range(len(lines)):
            raw, number = lines[index], block.first_line + index
            item = faults[index] if index in faults else decoded(raw)
            if isinstance(item, Fault):
                rows.reject(number, item, raw)
            else:
                rows.add(number, item, raw.decode())

    def _columns_of_first_object(self, name: str) -> tuple[str, ...]:
        lines_seen = 0
        for block in self._blocks:
            self._seen.append(block)
            item = None if isinstance(block, LongLine) else self._first_object(block)
            if item is not None:
                return first_columns(item, name)
            lines_seen += 1 if isinstance(block, LongLine) else block.line_count
            if lines_seen > MAX_LINES_BEFORE:
                break
        if not lines_seen:
            raise SourceError(f"'{name}' is empty: expected one JSON object a line. Fetch the file again")
        raise SourceError(
            f"None of the first {lines_seen} lines of '{name}' is a JSON object; expected one object a line. "
            "Set format to 'json' if the file is one array, or set columns"
        )

    def _first_object(self, block: LineBlock) -> dict[str, Any] | None:
        lines = BlockLines(block)
        faults = line_faults(lines, max_line_bytes=self._max_line_bytes, blank=BLANK)
        items = (decoded(lines[index]) for index in range(len(lines)) if index not in faults)
        return next((item for item in items if isinstance(item, dict)), None)


def decoded(raw: bytes) -> Any:
    """The value on a line of UTF-8, or the Fault that says why there is none."""
    try:
        return DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        return invalid_json(error)


def _parts(reader: LineReader) -> Iterator[LineBlock | LongLine]:
    for block in reader:
        if isinstance(block, LongLine):
            yield block
        else:
            yield from block.parts(MAX_ROWS)
