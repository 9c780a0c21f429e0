"""FileSource over every format, compression and encoding."""

from __future__ import annotations

import gc
import gzip
import hashlib
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spine.core.errors import ConfigurationError, SourceError, SpineError
from spine.sources.base import Source, SourceReading
from spine.sources.file import FileSource
from spine.sources.lines import LineReader, LongLine
from tests.support.sources import read_file, write

COLUMNS = ("symbol", "name", "shares", "price")
ROWS = [("AABB", "Asia Broadband", "6753871", "0.0100"), ("ZZÉ", "", "0", "12345678901234567890.5")]


def delimited(delimiter: str) -> bytes:
    return "\n".join(delimiter.join(row) for row in (COLUMNS, *ROWS)).encode() + b"\n"


def objects() -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(objects()), sink)
    return bytes(sink.getvalue())


CONTENTS = {
    "x.psv": delimited("|"),
    "x.csv": delimited(","),
    "pipes.csv": delimited("|"),
    "x.tsv": delimited("\t"),
    "x.txt": delimited(";"),
    "x.json": json.dumps(objects(), indent=2).encode(),
    "x.jsonl": "\n".join(json.dumps(item) for item in objects()).encode(),
    "x.NDJSON": "\n".join(json.dumps(item) for item in objects()).encode(),
    "x.parquet": parquet(),
    "x.pq": parquet(),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", CONTENTS)
def test_every_format_gives_the_same_table(tmp_path: Path, name: str, compressed: bool) -> None:
    content = gzip.compress(CONTENTS[name]) if compressed else CONTENTS[name]
    read = read_file(write(tmp_path / (name + ".gz" * compressed), content))
    assert (read.columns, read.values, read.rejects) == (COLUMNS, ROWS, [])
    assert (read.bytes_read, read.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_totals_are_open_until_the_pass_has_ended(tmp_path: Path) -> None:
    path = write(tmp_path / "x.psv", delimited("|"))
    reading = FileSource(path.name, root=tmp_path).read()
    assert (reading.lines, reading.sha256) == (0, "")
    list(reading)
    assert reading.lines == 2


def test_a_file_source_is_a_source(tmp_path: Path) -> None:
    source: Source = FileSource(write(tmp_path / "x.psv", delimited("|")), root=tmp_path)
    assert (source.source_type, source.name) == ("file", str(tmp_path / "x.psv"))
    reading: SourceReading = source.read()
    assert reading.columns == COLUMNS


def test_a_source_can_be_read_again_but_a_reading_only_once(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "x.psv", delimited("|")), root=tmp_path)
    reading = source.read()
    assert len(list(reading)) == len(list(source.read()))
    with pytest.raises(SpineError, match="call read\\(\\) again"):
        iter(reading)


def test_a_reading_that_is_dropped_closes_its_file(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "x.psv", delimited("|")), root=tmp_path)
    reading = source.read()
    batches = iter(reading)
    next(batches)
    del reading, batches
    gc.collect()  # an unclosed file would warn here, and a warning fails the test
    with source.read() as opened:
        assert opened.columns == COLUMNS


def test_a_truncated_gzip_is_an_error(tmp_path: Path) -> None:
    content = gzip.compress(b"a|b\n" + bytes(range(32, 120)) * 1000)
    with pytest.raises(SourceError, match="truncated"):
        read_file(write(tmp_path / "x.psv.gz", content[:-9]))


def test_a_gz_that_is_not_gzip_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"not gzip.*compression to 'none'"):
        read_file(write(tmp_path / "x.psv.gz", "a|b\n"))


def test_a_damaged_gzip_is_an_error(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(b"a|b\n" * 10_000))
    content[20:30] = b"\xff" * 10
    with pytest.raises(SourceError, match="Fetch it again"):
        read_file(write(tmp_path / "x.psv.gz", bytes(content)))


def test_an_empty_gz_is_empty(tmp_path: Path) -> None:
    for content in (b"", gzip.compress(b"")):
        with pytest.raises(SourceError, match="is empty"):
            read_file(write(tmp_path / "x.psv.gz", content))


def test_a_gzip_by_another_name_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "x.psv", gzip.compress(delimited("|")))
    with pytest.raises(SourceError):
        read_file(path)
    assert read_file(path, compression="gzip").values == ROWS


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    content = gzip.compress(b"a|b\n1|") + gzip.compress(b"2\n3|4\n")
    assert read_file(write(tmp_path / "x.psv.gz", content)).values == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32", "utf-8-sig", "UTF8"])
@pytest.mark.parametrize("block_bytes", [1, 3, 1000])
def test_other_encodings_are_transcoded(tmp_path: Path, encoding: str, block_bytes: int) -> None:
    path = write(tmp_path / "x.psv", "naïve|b\né|ü\n".encode(encoding))
    read = read_file(path, encoding=encoding, block_bytes=block_bytes)
    assert (read.columns, read.values) == (("naïve", "b"), [("é", "ü")])


@pytest.mark.parametrize("block_bytes", [1, 4, 1000])
def test_a_byte_that_cannot_be_decoded_is_an_error_with_its_offset(tmp_path: Path, block_bytes: int) -> None:
    path = write(tmp_path / "x.psv", b"a|b\n1|\x81\n")
    with pytest.raises(SourceError, match=r"not cp1252: byte 0x81 at offset 6"):
        read_file(path, encoding="cp1252", block_bytes=block_bytes)


def test_a_utf16_file_that_ends_inside_a_character_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="at offset 18"):
        read_file(write(tmp_path / "x.psv", "a|b\n1|2\n".encode("utf-16") + b"x"), encoding="utf-16")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "cvs"}, "Unknown format 'cvs'; did you mean 'csv'"),
        ({"compression": "gzp"}, "Unknown compression 'gzp'; did you mean 'gzip'"),
        ({"encoding": "utf-99"}, "Unknown encoding 'utf-99'"),
        ({"encoding": "base64"}, "Unknown encoding 'base64'"),
        ({"delimiter": "||"}, "delimiter is '\\|\\|'"),
        ({"delimiter": "\n"}, "delimiter is"),
        ({"delimiter": "é"}, "delimiter is"),
        ({"delimiter": "|", "quote_char": "|"}, "quote_char is"),
        ({"quote_char": ""}, "quote_char is"),
        ({"columns": []}, "columns is empty"),
        ({"max_line_bytes": 0}, "max_line_bytes is 0"),
        ({"block_bytes": 2**40}, "block_bytes is"),
    ],
)
def test_options_are_checked_before_the_file_is_opened(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FileSource("missing.csv", root=tmp_path, **options)  # type: ignore[arg-type]


def test_an_extension_that_says_nothing_needs_a_format(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be told from its extension '\.dat'"):
        FileSource("week.dat.gz", root=tmp_path)
    assert read_file(write(tmp_path / "week.dat", delimited("|")), format="csv").values == ROWS


def test_a_disk_that_fails_is_an_error_of_the_source(tmp_path: Path) -> None:
    class FailingFile:
        def read(self, _: int) -> bytes:
            raise OSError(5, "Input/output error")

    from spine.sources.streams import StoredBytes

    with pytest.raises(SourceError, match="Reading 'x' failed after 0 bytes: Input/output error"):
        StoredBytes(FailingFile(), "x").read(10)  # type: ignore[arg-type]


def test_a_line_without_end_costs_no_memory() -> None:
    class EndlessLine:
        left = 100

        def read(self, size: int, /) -> bytes:
            self.left -= 1
            return b"x" * size if self.left >= 0 else b""

    block_bytes = 1024 * 1024
    tracemalloc.start()
    try:
        [line] = LineReader(EndlessLine(), block_bytes=block_bytes, max_line_bytes=block_bytes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(line, LongLine)
    assert line.length == 100 * block_bytes
    assert peak < 10 * block_bytes
