"""Quoted fields of delimited lines. A quoted field ends on its line, or the line is at fault."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from spine.sources.batches import Fault
from spine.sources.line_checks import BlockLines, Indexes

UNBALANCED_QUOTES = "UNBALANCED_QUOTES"


def split_quoted(line: str, delimiter: str, quote: str) -> list[str] | Fault:
    """Fields after RFC 4180: a field that starts with the quote ends with it, and doubles it inside.

    A quote inside a field that does not start with one is data.
    """
    pattern = _field_pattern(delimiter, quote)
    fields: list[str] = []
    position = 0
    while match := pattern.match(line, position):
        inner, plain, end = match.groups()
        fields.append(plain if inner is None else inner.replace(quote * 2, quote))
        if not end:
            return fields
        position = match.end()
    return Fault(UNBALANCED_QUOTES, f"field {len(fields) + 1} opens a quote that does not close at the field's end")


class QuotedLines:
    """Where the quotes of a block stand, to tell the lines that any CSV parser reads alike from the odd ones."""

    def __init__(self, lines: BlockLines, delimiter: str, quote: str) -> None:
        self._lines = lines
        self._delimiter, self._quote = ord(delimiter), ord(quote)
        self._places: Indexes = np.flatnonzero(lines.octets == self._quote)
        self._owners = lines.owners(self._places)
        first_of_line = np.searchsorted(self._places, lines.starts)
        self._before_line = first_of_line  # quotes in the block before each line

    def odd_ones(self) -> Indexes:
        """Lines whose quotes do not alternate between a field's start and a field's end (or a doubled quote)."""
        opening = (np.arange(len(self._places)) - self._before_line[self._owners]) % 2 == 0
        octets = self._lines.octets
        before, after = octets[self._places - 1], octets[self._places + 1]  # a newline ends every block
        at_start = self._places == self._lines.starts[self._owners]
        opens = at_start | np.isin(before, (self._delimiter, self._quote))
        closes = np.isin(after, (self._delimiter, self._quote, ord("\r"), ord("\n")))
        counts = np.bincount(self._owners, minlength=len(self._lines))
        misplaced = self._owners[~np.where(opening, opens, closes)]
        return np.unique(np.concatenate((misplaced, np.flatnonzero(counts % 2))))

    def delimiter_counts(self) -> Indexes:
        """Delimiters of each line that stand outside quotes; true for the lines that are not odd."""
        places = np.flatnonzero(self._lines.octets == self._delimiter)
        owners = self._lines.owners(places)
        quotes_before = np.searchsorted(self._places, places) - self._before_line[owners]
        return np.bincount(owners[quotes_before % 2 == 0], minlength=len(self._lines))


@lru_cache(maxsize=16)
def _field_pattern(delimiter: str, quote: str) -> re.Pattern[str]:
    d, q = re.escape(delimiter), re.escape(quote)
    return re.compile(rf"(?:{q}([^{q}]*(?:{q}{q}[^{q}]*)*){q}|((?!{q})[^{d}]*))({d}|\Z)")
