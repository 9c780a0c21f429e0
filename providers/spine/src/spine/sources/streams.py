"""Bytes on their way in: counted and hashed as stored, then decompressed, then made UTF-8. One pass, bounded memory."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import zlib
from typing import BinaryIO, Protocol, cast

from spine.core.errors import SourceError

DRAIN_BYTES = 1024 * 1024
UTF8_CODECS = {"utf-8", "utf-8-sig"}


class ByteStream(Protocol):
    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end only."""
        ...


class StoredBytes:
    """The stored bytes, with what the ledger keeps of them.

    :param digest: goes on with the hash of what came before, for a source of several parts.
    """

    def __init__(self, raw: BinaryIO, name: str, digest: hashlib._Hash | None = None) -> None:
        self._raw = raw
        self._name = name
        self._digest = digest or hashlib.sha256()
        self.bytes_read = 0

    def read(self, size: int = -1, /) -> bytes:
        try:
            chunk = self._raw.read(size)
        except OSError as error:
            raise SourceError(
                f"Reading '{self._name}' failed after {self.bytes_read} bytes: {error.strerror or error}. "
                "Check the disk or the share it is on"
            ) from error
        self._digest.update(chunk)
        self.bytes_read += len(chunk)
        return chunk

    def drain(self) -> str:
        """Read what is left, so that the digest covers the whole source, and return it in hex."""
        while self.read(DRAIN_BYTES):
            pass
        return self._digest.hexdigest()


class GunzippedBytes:
    def __init__(self, stored: StoredBytes, name: str) -> None:
        self._file = gzip.GzipFile(fileobj=cast(BinaryIO, stored), mode="rb")
        self._name = name

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read(size)
        except EOFError as error:
            raise SourceError(f"'{self._name}' ends inside its gzip stream: it is truncated. Fetch it again") from error
        except gzip.BadGzipFile as error:
            raise SourceError(
                f"'{self._name}' is not gzip ({error}). Set compression to 'none' if it is stored as plain bytes, "
                "or fetch it again"
            ) from error
        except zlib.error as error:
            raise SourceError(f"'{self._name}' is damaged inside its gzip stream ({error}). Fetch it again") from error


class DecodedText:
    """Characters of a byte stream in some encoding; a byte that is none is an error with its offset."""

    def __init__(self, stream: ByteStream, encoding: str, name: str) -> None:
        # UTF-8 tolerates a byte order mark whether announced or not.
        self._encoding = "utf-8-sig" if is_utf8(encoding) else encoding
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._stream = stream
        self._name = name
        self._taken = 0
        self._ended = False

    def read(self, size: int) -> str:
        """At least one character, unless the end is reached."""
        text = ""
        while not text and not self._ended:
            chunk = self._stream.read(size)
            self._taken += len(chunk)
            self._ended = not chunk
            text = self._decode(chunk)
        return text

    def _decode(self, chunk: bytes) -> str:
        try:
            return self._decoder.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            # error.object is this chunk plus what the decoder still held of those before it.
            offset = self._taken - len(error.object) + error.start
            raise SourceError(
                f"'{self._name}' is not {self._encoding}: byte 0x{error.object[error.start]:02X} at offset {offset} "
                f"({error.reason}). Set encoding to what the file is written in"
            ) from error


class Utf8Bytes:
    """Another encoding's bytes as UTF-8."""

    def __init__(self, text: DecodedText) -> None:
        self._text = text

    def read(self, size: int, /) -> bytes:
        # Lone surrogates, which utf-16 and utf-8 decoders never give, cannot arise here from a strict decoder
        # of any byte encoding but utf-7; they are passed on and rejected as invalid UTF-8 on their line.
        return self._text.read(size).encode("utf-8", "surrogatepass")


def as_utf8(stream: ByteStream, encoding: str, name: str) -> ByteStream:
    """The stream itself when it already is UTF-8: there, a bad byte costs its line and not the file."""
    return stream if is_utf8(encoding) else Utf8Bytes(DecodedText(stream, encoding, name))


def is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in UTF8_CODECS
