"""Delimited text into record batches: whole blocks at once where every line is good, line by line where it must be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from spine.sources.base import RejectedLine, SourceBatch
from spine.sources.batches import (
    MAX_ROWS,
    Fault,
    LineNumbers,
    field_count_fault,
    line_too_long_fault,
    numbered,
    text_batch,
)
from spine.sources.columns import checked_names
from spine.sources.delimited_header import choose_dialect, header_names, header_text, read_preamble
from spine.sources.line_checks import BlockLines, Indexes, is_utf8_text, line_faults
from spine.sources.lines import LineBlock, LineReader, LongLine
from spine.sources.options import ReadOptions
from spine.sources.quoted import QuotedLines, split_quoted
from spine.sources.streams import ByteStream, as_utf8

BYTE_ORDER_MARK = "\ufeff".encode()


class DelimitedRows:
    """Rows of a delimited stream. Building it reads the header."""

    def __init__(self, stream: ByteStream, name: str, options: ReadOptions) -> None:
        reader = LineReader(
            as_utf8(stream, options.encoding, name),
            block_bytes=options.block_bytes,
            max_line_bytes=options.max_line_bytes,
        )
        self._blocks = iter(reader)
        self._preamble = read_preamble(self._blocks, name, keep_line=options.columns is not None)
        first_line = header_text(self._preamble, name)
        self._dialect = choose_dialect(first_line, options, name)
        self.columns = (
            header_names(first_line, self._dialect, name)
            if options.columns is None
            else checked_names(options.columns, name)
        )
        self._max_line_bytes = options.max_line_bytes
        self._blank = b" \t".replace(self._dialect.delimiter.encode(), b"")
        self._parse_options = csv.ParseOptions(
            delimiter=self._dialect.delimiter,
            quote_char=self._dialect.quote or False,
            escape_char=False,
            ignore_empty_lines=True,
        )
        self._convert_options = csv.ConvertOptions(
            column_types=dict.fromkeys(self.columns, pa.string()),
            null_values=[],
            strings_can_be_null=False,
            check_utf8=False,  # done before, on the whole block
        )

    def __iter__(self) -> Iterator[SourceBatch]:
        if self._preamble.rejects:
            yield self._only_rejects(self._preamble.rejects)
        rest = [self._preamble.rest] if self._preamble.rest else []
        for block in chain(rest, self._blocks):
            if isinstance(block, LongLine):
                fault = line_too_long_fault(block.length, self._max_line_bytes)
                yield self._only_rejects([fault.rejects(block.line_number, block.head)])
            elif (rows := self._whole(block)) is not None:
                yield SourceBatch(rows)
            else:
                yield from (self._sifted(part) for part in block.parts(MAX_ROWS))

    def _only_rejects(self, rejects: list[RejectedLine]) -> SourceBatch:
        return SourceBatch(text_batch(self.columns, [], []), rejects)

    def _whole(self, block: LineBlock) -> pa.RecordBatch | None:
        """Every line as a row, or None when some line is not one or takes a closer look."""
        if not self._may_be_whole(block.content):
            return None
        try:
            rows = self._parse(block.content)
        except pa.ArrowInvalid:  # a line with another number of fields
            return None
        # Arrow leaves blank lines out, so that they show in the count.
        if rows.num_rows != block.line_count or pc.any(pc.starts_with(rows.column(0), "#")).as_py():
            return None
        return numbered(rows, np.arange(block.first_line, block.first_line + rows.num_rows, dtype=np.int64))

    def _may_be_whole(self, content: bytes) -> bool:
        """Whether Arrow reads these lines exactly as this module would. Each test is one pass at memory speed."""
        if len(self.columns) == 1 or b"\0" in content or content.startswith(BYTE_ORDER_MARK):
            return False  # Arrow drops a byte order mark at the start of what it is given: there it is data
        if self._dialect.quote and self._dialect.quote.encode() in content:
            return False
        if b"\r" in content and content.count(b"\r") != content.count(b"\r\n"):
            return False
        return _lines_fit(content, self._max_line_bytes) and is_utf8_text(content)

    def _parse(self, content: bytes) -> pa.RecordBatch:
        read_options = csv.ReadOptions(column_names=self.columns, use_threads=False, block_size=len(content) + 1)
        table = csv.read_csv(pa.BufferReader(content), read_options, self._parse_options, self._convert_options)
        batches = table.combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)

    def _sifted(self, block: LineBlock) -> SourceBatch:
        """Rows of the good lines, rejects of the others."""
        lines = BlockLines(block)
        faults = line_faults(lines, max_line_bytes=self._max_line_bytes, blank=self._blank)
        closer, delimiters = self._closer_lines(lines)
        plain = np.ones(len(lines), dtype=bool)
        plain[[*faults, *closer]] = False
        miscounted = plain & (delimiters + 1 != len(self.columns))
        plain &= ~miscounted
        faults.update(
            (index, field_count_fault(len(self.columns), int(delimiters[index]) + 1))
            for index in np.flatnonzero(miscounted).tolist()
        )
        fields: dict[int, list[str]] = {}
        for index in sorted(closer - faults.keys()):
            row = self._split(lines[index])
            if isinstance(row, Fault):
                faults[index] = row
            else:
                fields[index] = row
        rejects = [lines.reject(index, faults[index]) for index in sorted(faults)]
        return SourceBatch(self._in_order(lines, plain, fields), rejects)

    def _closer_lines(self, lines: BlockLines) -> tuple[set[int], Indexes]:
        """The lines that Arrow may read otherwise than meant, and how many delimiters part each of the others."""
        content, dialect = lines.block.content, self._dialect
        delimiters = lines.counts(dialect.delimiter)
        # The plain lines are joined for Arrow, so any of them may come to stand first, where a mark would be lost.
        marked = np.flatnonzero(lines.octets[lines.starts] == BYTE_ORDER_MARK[0])
        closer = {int(index) for index in marked if content.startswith(BYTE_ORDER_MARK, lines.starts[index])}
        if dialect.quote and dialect.quote.encode() in content:
            quoted = QuotedLines(lines, dialect.delimiter, dialect.quote)
            closer.update(quoted.odd_ones().tolist())
            delimiters = quoted.delimiter_counts()
        if b"\r" in content:
            closer.update(lines.with_lone_return().tolist())
        return closer, delimiters

    def _split(self, line: bytes) -> list[str] | Fault:
        text, dialect = line.decode(), self._dialect
        fields = (
            split_quoted(text, dialect.delimiter, dialect.quote) if dialect.quote else text.split(dialect.delimiter)
        )
        if isinstance(fields, Fault) or len(fields) == len(self.columns):
            return fields
        return field_count_fault(len(self.columns), len(fields))

    def _in_order(self, lines: BlockLines, plain: np.ndarray, fields: dict[int, list[str]]) -> pa.RecordBatch:
        numbers = lines.line_numbers
        content = b"".join(_runs(lines, plain))
        batches = [numbered(self._parse(content), numbers[plain])] if content else []
        if fields:
            batches.append(text_batch(self.columns, list(fields.values()), numbers[list(fields)].tolist()))
        if len(batches) < 2:
            return batches[0] if batches else text_batch(self.columns, [], [])
        both = pa.Table.from_batches(batches)
        order: LineNumbers = np.argsort(both.column(both.num_columns - 1).to_numpy())
        return both.take(pa.array(order)).combine_chunks().to_batches()[0]


def _runs(lines: BlockLines, wanted: np.ndarray) -> Iterable[bytes]:
    """The wanted lines, in as few pieces as they lie in."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], wanted.astype(np.int8), [0]))))
    for first, beyond in edges.reshape(-1, 2):
        yield lines.block.content[lines.starts[first] : lines.newlines[beyond - 1] + 1]


def _lines_fit(content: bytes, max_line_bytes: int) -> bool:
    """Whether no line is longer: from each line end there must be another within reach."""
    start = 0
    while len(content) - start > max_line_bytes + 1:
        end = content.rfind(b"\n", start, start + max_line_bytes + 1)
        if end < 0:
            return False
        start = end + 1
    return True
