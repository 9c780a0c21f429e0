"""DRDA's two layers of framing: DSS segments on the wire, DDM objects within them (Open Group, DRDA volume 3)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_MAGIC = 0xD0
_HEADER = 6  # length, magic, format, correlation id
_CONTINUED = 0x8000  # of a length: another segment of the same message follows
_LONGEST = 0x7FFF


class NotDrda(ValueError):
    """These bytes are no DSS."""


@dataclass(frozen=True, slots=True)
class Message:
    """One DSS, its segments joined.

    :param kind: its format byte, which also says whether another one of the same chain follows.
    """

    kind: int
    correlation: int
    payload: bytes

    def encode(self) -> bytes:
        """The message in as many segments as its length needs."""
        first, rest = self.payload[: _LONGEST - _HEADER], self.payload[_LONGEST - _HEADER :]
        segments = [first] + [rest[start : start + _LONGEST - 2] for start in range(0, len(rest), _LONGEST - 2)]
        out = b""
        for number, segment in enumerate(segments):
            more = _CONTINUED if number + 1 < len(segments) else 0
            if number == 0:
                length = len(segment) + _HEADER
                out += struct.pack(">HBBH", more | (0x7FFF if more else length), _MAGIC, self.kind, self.correlation)
            else:
                out += struct.pack(">H", more | (len(segment) + 2))
            out += segment
        return out


class Decoder:
    """Messages out of bytes that arrive in any pieces."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, received: bytes) -> Iterator[Message]:
        """The messages that are complete now.

        :raises NotDrda: the peers speak something else.
        """
        self._pending += received
        while (found := _first(self._pending)) is not None:
            message, length = found
            self._pending = self._pending[length:]
            yield message


def _first(buffer: bytes) -> tuple[Message, int] | None:
    """The message at the start of a buffer and its length on the wire, or None while it is incomplete."""
    if len(buffer) < _HEADER:
        return None
    length, magic, kind, correlation = struct.unpack_from(">HBBH", buffer)
    if magic != _MAGIC:
        raise NotDrda(f"expected a DSS, found {buffer[:16].hex()}")
    end, more = length & _LONGEST, length & _CONTINUED
    payload, start = b"", _HEADER
    while True:
        if len(buffer) < end:
            return None
        payload += buffer[start:end]
        if not more:
            return Message(kind, correlation, payload), end
        if len(buffer) < end + 2:
            return None
        (length,) = struct.unpack_from(">H", buffer, end)
        start, end, more = end + 2, end + (length & _LONGEST), length & _CONTINUED


def ddm(code_point: int, content: bytes) -> bytes:
    """A DDM object."""
    return struct.pack(">HH", len(content) + 4, code_point) + content


def code_point_of(payload: bytes) -> int:
    """What the object at the start of a payload is, 0 for none."""
    return int(struct.unpack_from(">H", payload, 2)[0]) if len(payload) >= 4 else 0


def change_members(payload: bytes, change: Callable[[int, bytes], bytes | None]) -> bytes:
    """The object with each of its members as ``change`` returns it, without those it returns None for."""
    members, start = b"", 4
    while start < len(payload):
        length, code_point = struct.unpack_from(">HH", payload, start)
        content = change(code_point, payload[start + 4 : start + length])
        members += b"" if content is None else ddm(code_point, content)
        start += length
    return ddm(code_point_of(payload), members)
