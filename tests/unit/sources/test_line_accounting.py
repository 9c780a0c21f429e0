"""Whatever the bytes: every physical line is one row or one reject, whatever the size of the blocks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.sources import WholeRead, read_file, write

PIECES = st.sampled_from(
    [
        b"a",
        b"1",
        b"|",
        b"|",
        b",",
        b'"',
        b"#",
        b" ",
        b"\t",
        b"\r",
        b"\0",
        b"\xff",
        "é".encode(),
        b"\xef\xbb\xbf",
        b"xxxxxx",
    ]
)
GOOD_LINES = st.sampled_from([b"a|b|c", b"1|2|3", "é||".encode(), b'1,"2,3",4', b"x,y,z"])
LINES = st.lists(st.one_of(GOOD_LINES, st.lists(PIECES, max_size=12).map(b"".join)), max_size=30)
REPEATABLE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def comparable(read: WholeRead) -> tuple[object, ...]:
    """What must not depend on block sizes. Rejects are compared in file order."""
    rejects = sorted(read.rejects, key=lambda reject: reject.line_number)
    return read.columns, read.rows, rejects, read.lines, read.bytes_read, read.sha256


@REPEATABLE
@given(lines=LINES, header=st.sampled_from([b"x|y|z", b"x,y,z", b"x"]), ending=st.sampled_from([b"\n", b"\r\n"]))
@example(lines=[b"", b"", b""], header=b"x|y|z", ending=b"\r\n")
@example(lines=[b"\xef\xbb\xbfa|b|c"], header=b"x|y|z", ending=b"\n")
@pytest.mark.parametrize("final_newline", [True, False])
def test_rows_and_rejects_are_the_lines(
    tmp_path: Path, lines: list[bytes], header: bytes, ending: bytes, final_newline: bool
) -> None:
    content = ending.join([header, *lines]) + (ending if final_newline else b"")
    path = write(tmp_path / "week.csv", content)
    read = read_file(path, max_line_bytes=16)

    physical = content.split(b"\n")
    physical = physical[:-1] if not physical[-1] else physical
    assert sorted([*read.rows, *(reject.line_number for reject in read.rejects)]) == list(range(2, len(physical) + 1))
    assert read.bytes_read == len(content)
    assert read.sha256 == hashlib.sha256(content).hexdigest()
    for block_bytes in (1, 7, 64):
        assert comparable(read_file(path, max_line_bytes=16, block_bytes=block_bytes)) == comparable(read)


@REPEATABLE
@given(lines=LINES)
def test_a_row_is_its_line_split_at_the_pipes(tmp_path: Path, lines: list[bytes]) -> None:
    read = read_file(write(tmp_path / "week.psv", b"\n".join([b"x|y|z", *lines])))
    for number, row in read.rows.items():
        assert "|".join(row) == lines[number - 2].removesuffix(b"\r").decode()


@REPEATABLE
@given(lines=LINES)
def test_json_lines_are_all_accounted_for(tmp_path: Path, lines: list[bytes]) -> None:
    content = b"\n".join([b'{"a":1}', *lines, b'{"a":2}'])
    path = write(tmp_path / "week.jsonl", content)
    read = read_file(path, max_line_bytes=16)
    assert read.lines == len(lines) + 2
    for block_bytes in (7, 64):
        assert comparable(read_file(path, max_line_bytes=16, block_bytes=block_bytes)) == comparable(read)
