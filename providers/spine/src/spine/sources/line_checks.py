"""Which lines of a block are no rows whatever their format: vectorised, Python runs only for the lines at fault."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from spine.sources.base import RejectedLine
from spine.sources.batches import Fault, line_too_long_fault
from spine.sources.lines import LineBlock

Indexes = npt.NDArray[np.int64]

BLANK_LINE = Fault("BLANK_LINE", "the line is blank")
COMMENT_LINE = Fault("COMMENT_LINE", "the line starts with '#'")
NUL_BYTE = Fault("NUL_BYTE", "the line holds a NUL byte")


class BlockLines:
    """Where each line of a block starts and ends, its line end (LF or CRLF) not included."""

    __slots__ = ("block", "ends", "newlines", "octets", "starts")

    def __init__(self, block: LineBlock) -> None:
        self.block = block
        self.octets = np.frombuffer(block.content, np.uint8)
        self.newlines: Indexes = np.flatnonzero(self.octets == ord("\n"))
        self.starts: Indexes = np.concatenate((np.zeros(1, np.int64), self.newlines[:-1] + 1))
        before = self.octets[self.newlines - 1]  # for an empty first line this wraps round, which starts tells apart
        has_return = (before == ord("\r")) & (self.newlines > self.starts)
        self.ends: Indexes = self.newlines - has_return

    def __len__(self) -> int:
        return len(self.newlines)

    def __getitem__(self, index: int | np.integer) -> bytes:
        return self.block.content[self.starts[index] : self.ends[index]]

    @property
    def line_numbers(self) -> Indexes:
        return self.block.first_line + np.arange(len(self), dtype=np.int64)

    def owners(self, positions: Indexes) -> Indexes:
        """The line that each byte position lies on."""
        return np.searchsorted(self.newlines, positions)

    def holding(self, character: str) -> Indexes:
        """Lines that hold an ASCII character, ascending."""
        return np.unique(self.owners(np.flatnonzero(self.octets == ord(character))))

    def counts(self, character: str) -> Indexes:
        """How often each line holds an ASCII character."""
        positions = np.flatnonzero(self.octets == ord(character))
        return np.bincount(self.owners(positions), minlength=len(self))

    def with_lone_return(self) -> Indexes:
        """Lines with a carriage return that is not part of their line end."""
        returns = np.flatnonzero(self.octets == ord("\r"))
        owners = self.owners(returns)
        return np.unique(owners[returns < self.ends[owners]])

    def reject(self, index: int, fault: Fault) -> RejectedLine:
        return fault.rejects(self.block.first_line + index, self[index])


def line_faults(lines: BlockLines, *, max_line_bytes: int, blank: bytes) -> dict[int, Fault]:
    """The first fault of each faulty line, by its index in the block.

    :param blank: characters that a blank line may consist of.
    """
    faults: dict[int, Fault] = {}
    for index, fault in _all_faults(lines, max_line_bytes, blank):
        faults.setdefault(index, fault)
    return faults


def plain_fault(line: bytes) -> Fault | None:
    """Blank or comment, for a line that comes before the header."""
    if not line.strip():
        return BLANK_LINE
    return COMMENT_LINE if line.startswith(b"#") else None


def _all_faults(lines: BlockLines, max_line_bytes: int, blank: bytes) -> Iterator[tuple[int, Fault]]:
    lengths = lines.ends - lines.starts
    for index in np.flatnonzero(lengths > max_line_bytes):
        # First: of a line so long that it was skipped, nothing else is known either.
        yield int(index), line_too_long_fault(int(lengths[index]), max_line_bytes)
    first = lines.octets[lines.starts]
    for index in np.flatnonzero((lengths == 0) | np.isin(first, np.frombuffer(blank, np.uint8))):
        if not lines[index].strip(blank):
            yield int(index), BLANK_LINE
    for index in np.flatnonzero((first == ord("#")) & (lengths > 0)):
        yield int(index), COMMENT_LINE
    if b"\0" in lines.block.content:
        for index in lines.holding("\0"):
            yield int(index), NUL_BYTE
    yield from _encoding_faults(lines)


def _encoding_faults(lines: BlockLines) -> Iterator[tuple[int, Fault]]:
    if is_utf8_text(lines.block.content):
        return
    for index in np.unique(lines.owners(np.flatnonzero(lines.octets >= 0x80))):
        line = lines[index]
        try:
            line.decode()
        except UnicodeDecodeError as error:
            detail = f"byte 0x{line[error.start]:02X} at position {error.start + 1} of the line is not UTF-8"
            yield int(index), Fault("INVALID_ENCODING", detail)


def is_utf8_text(content: bytes) -> bool:
    try:
        return content.isascii() or bool(content.decode())
    except UnicodeDecodeError:
        return False
