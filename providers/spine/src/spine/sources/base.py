"""What every source gives: text rows as Arrow batches, with every line that could not be a row accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

LINE_NUMBER = "line_number"
RAW_TEXT_LIMIT = 4096  # characters of a rejected line that are kept


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """One input line that did not become a row.

    :param line_number: 1-based physical line in the file (1-based item number for JSON arrays and Parquet).
    :param raw_text: the line as read, cut at RAW_TEXT_LIMIT characters.
    """

    line_number: int
    reason_code: str
    detail: str
    raw_text: str


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """Rows as text columns named as in the source, plus ``line_number`` (int64, last), and this stretch's rejects."""

    rows: pa.RecordBatch
    rejects: list[RejectedLine] = field(default_factory=list)


class SourceReading(Protocol):
    """One pass over a source. Iterate it once; the totals are complete when the iteration has ended."""

    columns: tuple[str, ...]
    """Source column names in source order, without ``line_number``; known before the first batch."""
    lines: int
    """Lines seen after the header: rows + rejects, exactly."""
    bytes_read: int
    sha256: str
    """Hex digest of the source's bytes as stored (before decompression); empty until the iteration has ended."""

    def __iter__(self) -> Iterator[SourceBatch]: ...


class ClosableReading(SourceReading, Protocol):
    """One that may be left before its end."""

    def close(self) -> None:
        """Let go of the source; harmless when the iteration has ended."""


class Source(Protocol):
    """Where rows come from. Opening raises SpineErrors; bad rows never raise, they are rejects."""

    source_type: str
    name: str
    """What people call it: the path or the URL without its query string."""

    def read(self) -> SourceReading: ...
