"""What the body of an answer holds, and its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import IO, Any, BinaryIO, cast
from urllib.parse import urlsplit

from spine.core.errors import SourceError
from spine.sources.base import LINE_NUMBER, SourceBatch
from spine.sources.formats import AUTO, EXTENSIONS, Compression, Format, choose_compression, choose_format
from spine.sources.http_client import HttpAnswer
from spine.sources.options import ReadOptions
from spine.sources.readers import Rows, open_rows
from spine.sources.streams import GunzippedBytes, StoredBytes

MEDIA_TYPES = {
    "text/csv": Format.CSV,
    "text/tab-separated-values": Format.CSV,
    "application/x-ndjson": Format.JSONL,
    "application/ndjson": Format.JSONL,
    "application/jsonl": Format.JSONL,
    "application/jsonlines": Format.JSONL,
    "application/vnd.apache.parquet": Format.PARQUET,
}
GZIP_TYPES = {"application/gzip", "application/x-gzip"}
OPENING_BYTES = 512
NO_CONTENT = 204
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class NoRows:
    """An answer without a body."""

    columns: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[SourceBatch]:
        return iter(())


class PageRows:
    """The rows of one answer, their lines numbered on from those of the pages before.

    :param digest: takes in the body's bytes.
    :param lines_before: added to every line number.
    """

    def __init__(
        self,
        answer: HttpAnswer,
        name: str,
        *,
        format: str,
        compression: str,
        options: ReadOptions,
        digest: hashlib._Hash,
        lines_before: int,
    ) -> None:
        self.answer = answer
        self.count = 0
        self.last_line = lines_before
        self._lines_before = lines_before
        self._stored = StoredBytes(cast(BinaryIO, answer.body), name, digest)
        self._rows = self._open(answer, name, format, compression, options)
        self.columns = self._rows.columns

    def _open(self, answer: HttpAnswer, name: str, format: str, compression: str, options: ReadOptions) -> Rows:
        if answer.status == NO_CONTENT or answer.size == 0:
            return NoRows()
        chosen = body_format(answer, format, name)
        packed = body_compression(answer, compression) is Compression.GZIP
        stream = GunzippedBytes(self._stored, name) if packed else self._stored
        return open_rows(chosen, stream, name, options, seekable=None if packed else cast(BinaryIO, answer.body))

    @property
    def bytes_read(self) -> int:
        return self._stored.bytes_read

    @property
    def members(self) -> Mapping[str, Any]:
        """What stands beside the rows; complete after the last one."""
        found: Mapping[str, Any] = getattr(self._rows, "members", {})
        return found

    def __iter__(self) -> Iterator[SourceBatch]:
        for batch in self._rows:
            self.count += batch.rows.num_rows + len(batch.rejects)
            yield self._numbered_on(batch)
        self._stored.drain()
        self.answer.body.close()

    def _numbered_on(self, batch: SourceBatch) -> SourceBatch:
        lines = batch.rows.column(batch.rows.num_columns - 1)
        ends = [line.line_number for line in batch.rejects[-1:]]
        ends += [lines[len(lines) - 1].as_py()] if len(lines) else []
        self.last_line = self._lines_before + max(ends, default=0) if ends else self.last_line
        if not self._lines_before:
            return batch
        import pyarrow.compute as pc

        rows = batch.rows.set_column(batch.rows.num_columns - 1, LINE_NUMBER, pc.add(lines, self._lines_before))
        rejects = [replace(line, line_number=line.line_number + self._lines_before) for line in batch.rejects]
        return SourceBatch(rows, rejects)


def body_format(answer: HttpAnswer, wanted: str, name: str) -> Format:
    """The format asked for; with ``auto`` what the media type, the URL's extension or the first character says.

    :raises SourceError: it is a web page.
    """
    opening = _opening(answer.body)
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in ("text/html", "application/xhtml+xml") or opening[:1] == b"<":
        raise SourceError(
            f"'{name}' answered {answer.status} with a web page where rows were expected: a login page or a proxy's. "
            "Check the URL, the credentials, and any proxy on the way"
        )
    if wanted != AUTO:
        return choose_format(wanted, name)
    if media_type in MEDIA_TYPES:
        return MEDIA_TYPES[media_type]
    if media_type.endswith("json"):
        return Format.JSON
    extension = PurePath(_path(answer).lower().removesuffix(".gz")).suffix
    return EXTENSIONS.get(extension) or (Format.JSON if opening[:1] in (b"[", b"{") else Format.CSV)


def body_compression(answer: HttpAnswer, wanted: str) -> Compression:
    """Gzip that is part of what was stored there; that of the transfer is undone already."""
    if wanted == AUTO and answer.headers.get("content-type", "").partition(";")[0].strip().lower() in GZIP_TYPES:
        return Compression.GZIP
    return choose_compression(wanted, _path(answer))


def _path(answer: HttpAnswer) -> str:
    return urlsplit(answer.url).path


def _opening(body: IO[bytes]) -> bytes:
    opening = body.read(OPENING_BYTES)
    body.seek(0)
    return opening.removeprefix(BYTE_ORDER_MARK).lstrip()
