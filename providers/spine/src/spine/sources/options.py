"""How rows are to be read: what people may set, checked once."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from spine.core.errors import ConfigurationError

MIB = 1024 * 1024
MAX_BLOCK_BYTES = 512 * MIB  # Arrow counts the bytes of a block in 32 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """
    :param delimiter: None = the most frequent of | TAB , ; in the header line.
    :param quote_char: ``auto`` = '"' for comma and semicolon, none for pipe and tab (FINRA's names hold quotes).
    :param columns: names for input that has no header line (for JSON: the keys expected, any other is a reject).
    :param keys: JSON keys to read: any other is passed over, a missing one is empty.
    :param empty_ok: a JSON array without items has no columns, instead of being an error.
    :param data_path: keys that lead from a JSON object to its array of rows.
    :param max_line_bytes: a longer line is a reject; a longer JSON array item is an error.
    :param block_bytes: bytes read at a time; memory is a few times this.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    quote_char: str | None = "auto"
    columns: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None
    data_path: tuple[str, ...] = ()
    empty_ok: bool = False
    max_line_bytes: int = MIB
    block_bytes: int = 2 * MIB

    def __post_init__(self) -> None:
        _check_encoding(self.encoding)
        if self.delimiter is not None:
            _check_character("delimiter", self.delimiter, forbidden="\r\n\0#")
        if self.quote_char not in (None, "auto"):
            _check_character("quote_char", self.quote_char, forbidden="\r\n\0#" + (self.delimiter or ""))
        if self.columns is not None and not self.columns:
            raise ConfigurationError("columns is empty; name at least one, or leave it out to read the header line")
        if self.keys is not None and (not self.keys or self.columns is not None):
            raise ConfigurationError("keys names the JSON keys to read: give at least one, and no columns beside it")
        _check_size("max_line_bytes", self.max_line_bytes)
        _check_size("block_bytes", self.block_bytes)


def split_path(dotted: str) -> tuple[str, ...]:
    """``data.items`` as its keys.

    :raises ConfigurationError: one of them is empty.
    """
    keys = tuple(dotted.split(".")) if dotted else ()
    if "" in keys:
        raise ConfigurationError(f"the path '{dotted}' has an empty part; write the keys with one dot between them")
    return keys


def _check_encoding(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
        b"a".decode(encoding)
    except LookupError:
        raise ConfigurationError(
            f"Unknown encoding '{encoding}'; expected a text encoding such as utf-8, latin-1, cp1252 or utf-16"
        ) from None
    except UnicodeError:
        return  # one byte is not a whole character in every encoding


def _check_character(option: str, character: str, *, forbidden: str) -> None:
    if len(character) != 1 or not character.isascii() or character in forbidden:
        raise ConfigurationError(
            f"{option} is {character!r}; expected one ASCII character that is none of {forbidden!r}"
        )


def _check_size(option: str, size: int) -> None:
    if not 1 <= size <= MAX_BLOCK_BYTES:
        raise ConfigurationError(f"{option} is {size}; expected 1 to {MAX_BLOCK_BYTES} bytes")
