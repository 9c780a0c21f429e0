"""The header line of a delimited file: its names, and by them the delimiter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spine.core.errors import SourceError
from spine.sources.base import RejectedLine
from spine.sources.batches import Fault
from spine.sources.columns import MAX_LINES_BEFORE, checked_names
from spine.sources.line_checks import plain_fault
from spine.sources.lines import LineBlock, LongLine
from spine.sources.options import ReadOptions
from spine.sources.quoted import split_quoted

DELIMITERS = ("|", "\t", ",", ";")
QUOTING_DELIMITERS = (",", ";")
SHOWN_NAMES = {"|": "'|'", "\t": "TAB", ",": "','", ";": "';'"}


@dataclass(frozen=True, slots=True)
class Preamble:
    """What stands before the first row.

    :param line: the first line that is neither blank nor comment, None when there is none.
    :param rejects: the lines before it.
    :param rest: the lines after ``line``, or from it on, of the block it stood in.
    """

    line: bytes | None
    rejects: list[RejectedLine]
    rest: LineBlock | None


@dataclass(frozen=True, slots=True)
class Dialect:
    delimiter: str
    quote: str | None


def read_preamble(blocks: Iterator[LineBlock | LongLine], name: str, *, keep_line: bool) -> Preamble:
    """Read on to the first line with content.

    :param keep_line: leave that line in ``rest``: it is a row, not a header.
    """
    rejects: list[RejectedLine] = []
    for block in blocks:
        if isinstance(block, LongLine):
            raise SourceError(
                f"'{name}' line {block.line_number} is {block.length} bytes long where the header was expected. "
                "Check that the file is text in the format given, or raise max_line_bytes"
            )
        found = _first_content(block, rejects, name)
        if found is not None:
            start, end, number = found
            line = block.content[start:end].removesuffix(b"\r")
            left_from, left_number = (start, number) if keep_line else (end + 1, number + 1)
            left_count = block.line_count - (left_number - block.first_line)
            rest = LineBlock(block.content[left_from:], left_number, left_count) if left_count else None
            return Preamble(line, rejects, rest)
    return Preamble(None, rejects, None)


def header_text(preamble: Preamble, name: str) -> str:
    """The header line as text.

    :raises SourceError: there is none, or it is not text.
    """
    line = preamble.line
    if line is None:
        raise SourceError(f"'{name}' is empty: {_seen_instead(preamble)}, expected a header line. Fetch the file again")
    if line.startswith(b"\x1f\x8b"):
        raise SourceError(f"'{name}' looks gzipped, expected plain text. Set compression to 'gzip'")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise SourceError(
            f"The header of '{name}' is not UTF-8: byte 0x{line[error.start]:02X} at position {error.start + 1}. "
            "Set encoding to what the file is written in, for example latin-1 or utf-16"
        ) from error
    if "\0" in text or "\r" in text:
        raise SourceError(
            f"The header of '{name}' holds {'NUL bytes' if chr(0) in text else 'lone carriage returns'}, expected text "
            "with LF or CRLF line ends. Set encoding (utf-16?) or convert the line ends"
        )
    return text


def choose_dialect(line: str, options: ReadOptions, name: str) -> Dialect:
    """The delimiter asked for, or the one the line holds most; and the quote that goes with it."""
    counts = {delimiter: re.sub('"[^"]*"', "", line).count(delimiter) for delimiter in DELIMITERS}
    likely = max(DELIMITERS, key=lambda delimiter: counts[delimiter])
    delimiter = options.delimiter or (likely if counts[likely] else ",")
    if delimiter not in line and counts[likely]:
        raise SourceError(
            f"The first line of '{name}' holds no {shown_delimiter(delimiter)} and looks delimited by "
            f"{shown_delimiter(likely)} ({counts[likely]} of them). Leave delimiter out, or set the one in use"
        )
    quote = options.quote_char
    if quote == "auto":
        quote = '"' if delimiter in QUOTING_DELIMITERS else None
    return Dialect(delimiter, quote)


def header_names(line: str, dialect: Dialect, name: str) -> tuple[str, ...]:
    fields = split_quoted(line, dialect.delimiter, dialect.quote) if dialect.quote else line.split(dialect.delimiter)
    if isinstance(fields, Fault):
        raise SourceError(
            f"The header of '{name}' has unbalanced quotes: {fields.detail}. Correct it or set quote_char"
        )
    return checked_names(fields, name)


def shown_delimiter(delimiter: str) -> str:
    return SHOWN_NAMES.get(delimiter, repr(delimiter))


def _first_content(block: LineBlock, rejects: list[RejectedLine], name: str) -> tuple[int, int, int] | None:
    start, number = 0, block.first_line
    while start < len(block.content):
        end = block.content.index(b"\n", start)
        line = block.content[start:end].removesuffix(b"\r")
        fault = plain_fault(line)
        if fault is None:
            return start, end, number
        rejects.append(fault.rejects(number, line))
        if len(rejects) > MAX_LINES_BEFORE:
            raise SourceError(
                f"The first {MAX_LINES_BEFORE} lines of '{name}' are blank or comments; expected a header among them. "
                "Check that it is the right file"
            )
        start, number = end + 1, number + 1
    return None


def _seen_instead(preamble: Preamble) -> str:
    if preamble.rejects:
        return f"nothing but {len(preamble.rejects)} blank or comment lines"
    return "there is nothing in it"
