"""The items of a JSON array one at a time, whatever its size, with the place of anything that is not JSON.

Not ijson: its parser turns 1E5 into 100000 and -0 into 0 and does not tell positions; here the digits stay as written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from spine.core.errors import SourceError
from spine.core.suggest import did_you_mean
from spine.sources.json_items import DECODER, invalid_json, shown_key
from spine.sources.streams import DecodedText

LONGEST_TOKEN = len("-Infinity")  # a problem this close to the end of what is held may be a token that was cut
SPACE = re.compile(r"[ \t\n\r]*")


class JsonScanner:
    """
    :param max_item: characters of one item that are held; a longer one is an error, since nothing says where it ends.
    """

    def __init__(self, text: DecodedText, name: str, *, read_size: int, max_item: int) -> None:
        self._text = text
        self._name = name
        self.members: dict[str, Any] = {}
        self._read_size = read_size
        self._max_item = max_item
        self._buffer = ""
        self._position = 0
        self._ended = False
        self._dropped = 0  # characters, lines and the last line's characters that left the buffer
        self._dropped_lines = 0
        self._dropped_column = 0

    def items(self, path: Sequence[str] = ()) -> Iterator[tuple[Any, str]]:
        """Each item of the array, or the one object, with its text.

        :param path: keys that lead to it from the object the text holds; what else that object has goes to ``members``.
        """
        if not self._next_character():
            raise SourceError(f"'{self._name}' is empty: expected JSON, an array of objects. Fetch the file again")
        yield from self._descend(path, self.members)
        if self._next_character():
            raise self._error("expected nothing after the end (for one object a line, set format to 'jsonl')")

    def _descend(self, path: Sequence[str], members: dict[str, Any]) -> Iterator[tuple[Any, str]]:
        opening = self._next_character()
        if opening == "{" and path:
            yield from self._object(path, members)
        elif opening == "{":
            yield self._item()
        elif opening == "[" and not path:
            self._position += 1
            yield from self._members()
        else:
            expected = f"an object with '{path[0]}'" if path else "an array of objects or one object"
            raise self._error(f"expected {expected}")

    def _members(self) -> Iterator[tuple[Any, str]]:
        if self._next_character() == "]":
            self._position += 1
            return
        while True:
            self._next_character()
            yield self._item()
            if self._separator("]", "array") == "]":
                return

    def _object(self, path: Sequence[str], members: dict[str, Any]) -> Iterator[tuple[Any, str]]:
        self._position += 1
        separator = "," if self._next_character() != "}" else self._separator("}", "object")
        while separator == ",":
            key = self._key()
            if key in members:
                raise self._error(f"key '{shown_key(key)}' occurs twice")
            if key == path[0]:
                members[key] = {}
                yield from self._descend(path[1:], members[key])
            else:
                members[key], _ = self._item()
            separator = self._separator("}", "object")
        if path[0] not in members:
            raise self._error(f"the object has no '{path[0]}', where data_path leads; {did_you_mean(path[0], members)}")

    def _key(self) -> str:
        if self._next_character() != '"':
            raise self._error("expected a key in double quotes")
        key, _ = self._item()
        if self._next_character() != ":":
            raise self._error("expected ':' after a key")
        self._position += 1
        self._next_character()
        return str(key)

    def _separator(self, closing: str, kind: str) -> str:
        separator = self._next_character()
        if separator not in (",", closing):
            problem = f"expected ',' or '{closing}'" if separator else f"the {kind} is not closed: it is cut off"
            raise self._error(problem)
        self._position += 1
        return separator

    def _next_character(self) -> str:
        """The next character that is no space, without taking it; '' at the end."""
        while True:
            match = SPACE.match(self._buffer, self._position)
            self._position = match.end() if match else self._position
            if self._position < len(self._buffer):
                return self._buffer[self._position]
            if not self._more():
                return ""

    def _item(self) -> tuple[Any, str]:
        while True:
            reason, offset = "", 0
            try:
                item, end = DECODER.raw_decode(self._buffer, self._position)
            except json.JSONDecodeError as error:
                reason, offset = error.msg, error.pos - self._position  # broken, or only not all here yet
            except (ValueError, RecursionError) as error:
                raise self._error(invalid_json(error).detail) from error
            else:
                # A number that ends with the buffer may go on in what comes next.
                if end < len(self._buffer) or self._ended:
                    return self._taken(item, end)
            held = len(self._buffer) - self._position
            if held > self._max_item or (reason and self._ended):
                raise self._unreadable(reason, offset, held)
            self._more()

    def _taken(self, item: Any, end: int) -> tuple[Any, str]:
        raw = self._buffer[self._position : end]
        if len(raw) > self._max_item:
            raise self._too_long()
        self._position = end
        return item, raw

    def _more(self) -> bool:
        """Drop what was taken and read on; twice as much as is held, so that a long item is not decoded often."""
        self._drop()
        chunk = "" if self._ended else self._text.read(max(self._read_size, len(self._buffer)))
        self._ended = not chunk
        self._buffer += chunk
        return bool(chunk)

    def _drop(self) -> None:
        gone = self._buffer[: self._position]
        self._dropped += len(gone)
        self._dropped_lines += gone.count("\n")
        tail = len(gone) - (gone.rfind("\n") + 1)
        self._dropped_column = tail if "\n" in gone else self._dropped_column + tail
        self._buffer, self._position = self._buffer[self._position :], 0

    def _unreadable(self, reason: str, offset: int, held: int) -> SourceError:
        cut_off = not reason or reason.startswith("Unterminated") or offset >= held - LONGEST_TOKEN
        if cut_off and not self._ended:
            return self._too_long()
        hint = "; the file may be cut off" if cut_off else ""
        return self._error(reason + hint, at=self._position + offset)

    def _too_long(self) -> SourceError:
        return self._error(f"the item is longer than {self._max_item} characters, the max_line_bytes; raise that limit")

    def _error(self, reason: str, *, at: int | None = None) -> SourceError:
        position = self._position if at is None else at
        before = self._buffer[:position]
        line = self._dropped_lines + before.count("\n") + 1
        column = position - before.rfind("\n") if "\n" in before else self._dropped_column + position + 1
        return SourceError(
            f"'{self._name}' is not the JSON expected: line {line} column {column} "
            f"(character {self._dropped + position}): {reason}. Correct the file or fetch it again",
            context={"line": line, "column": column},
        )
