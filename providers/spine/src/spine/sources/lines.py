"""Bytes into blocks of whole, numbered lines. A line without end costs no memory: it is skipped, measured and named."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from spine.sources.batches import RAW_BYTES_LIMIT
from spine.sources.streams import ByteStream

NEWLINE = b"\n"


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Whole lines, each ended by a newline: one is put after a last line that has none.

    :param first_line: physical 1-based number of the first line.
    """

    content: bytes
    first_line: int
    line_count: int

    def parts(self, max_lines: int) -> Iterator[LineBlock]:
        """The same lines in blocks of at most ``max_lines``."""
        if self.line_count <= max_lines:
            yield self
            return
        start = taken = 0
        while start < len(self.content):
            count = min(max_lines, self.line_count - taken)
            end = self._after_lines(start, count)
            yield LineBlock(self.content[start:end], self.first_line + taken, count)
            start, taken = end, taken + count

    def _after_lines(self, start: int, count: int) -> int:
        for _ in range(count):
            start = self.content.index(NEWLINE, start) + 1
        return start


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line that was skipped because it would not fit.

    :param head: its first bytes, enough for a reject's raw text.
    """

    line_number: int
    length: int
    head: bytes


class LineReader:
    """Iterates a UTF-8 stream as LineBlock and, between them, LongLine. Only ``\\n`` ends a line.

    A line longer than ``max_line_bytes`` may still come inside a block, when it happened to fit: the reader of the
    block measures it. Both ways give the same reject.
    """

    def __init__(self, stream: ByteStream, *, block_bytes: int, max_line_bytes: int) -> None:
        self._stream = stream
        self._block_bytes = block_bytes
        self._max_held = max_line_bytes + 1  # one more for a carriage return
        self._next_line = 1
        self._held: list[bytes] = []
        self._held_bytes = 0

    def __iter__(self) -> Iterator[LineBlock | LongLine]:
        chunk = self._without_mark()
        while chunk:
            cut = chunk.rfind(NEWLINE) + 1
            if cut:
                yield self._block(chunk[:cut])
            self._hold(chunk[cut:])
            if self._held_bytes > self._max_held:
                long_line, chunk = self._skip_line()
                yield long_line
                chunk = chunk or self._read()
            else:
                chunk = self._read()
        if self._held_bytes:
            yield self._block(NEWLINE)

    def _read(self) -> bytes:
        return self._stream.read(self._block_bytes)

    def _without_mark(self) -> bytes:
        first = self._stream.read(max(self._block_bytes, len(codecs.BOM_UTF8)))
        if not first.startswith(codecs.BOM_UTF8):
            return first
        return first.removeprefix(codecs.BOM_UTF8) or self._read()

    def _hold(self, piece: bytes) -> None:
        if piece:
            self._held.append(piece)
            self._held_bytes += len(piece)

    def _release(self) -> bytes:
        held = b"".join(self._held)
        self._held, self._held_bytes = [], 0
        return held

    def _block(self, rest: bytes) -> LineBlock:
        content = self._release() + rest if self._held else rest
        block = LineBlock(content, self._next_line, content.count(NEWLINE))
        self._next_line += block.line_count
        return block

    def _skip_line(self) -> tuple[LongLine, bytes]:
        """The line that began with what is held, and the bytes read beyond its end."""
        piece, rest = self._release(), b""
        head, length, last = b"", 0, b""
        while piece:
            line_part, newline, rest = piece.partition(NEWLINE)
            head += line_part[: RAW_BYTES_LIMIT - len(head)]
            length, last = length + len(line_part), line_part[-1:] or last
            piece = b"" if newline else self._read()
        length -= last == b"\r"
        line = LongLine(self._next_line, length, head[:length])
        self._next_line += 1
        return line, rest
