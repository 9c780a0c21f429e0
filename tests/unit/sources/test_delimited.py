"""Each way a delimited file can be wrong: the line it costs, and the lines it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from spine.core.errors import SourceError
from spine.sources.base import RAW_TEXT_LIMIT
from tests.support.sources import WholeRead, read_file, write

HEADER = "symbol|name|shares\n"


def read_psv(tmp_path: Path, content: str | bytes, **options: object) -> WholeRead:
    return read_file(write(tmp_path / "week.psv", content), **options)


def test_good_lines_become_text_rows_with_their_line(tmp_path: Path) -> None:
    read = read_psv(tmp_path, HEADER + "AABB|Asia|007\nZZZ|  |1.50\n")
    assert read.columns == ("symbol", "name", "shares")
    assert read.rows == {2: ("AABB", "Asia", "007"), 3: ("ZZZ", "  ", "1.50")}
    assert (read.rejects, read.lines) == ([], 2)


@pytest.mark.parametrize("word", ["", "NA", "null", "NULL", "nan", "#N/A", "true", "1e5", "-0"])
def test_no_word_means_null(tmp_path: Path, word: str) -> None:
    assert read_psv(tmp_path, f"{HEADER}x|{word}|y\n").values == [("x", word, "y")]


def test_a_header_alone_gives_no_rows_and_no_lines(tmp_path: Path) -> None:
    read = read_psv(tmp_path, HEADER)
    assert (read.columns, read.rows, read.lines) == (("symbol", "name", "shares"), {}, 0)


def test_a_header_without_newline_is_a_header(tmp_path: Path) -> None:
    assert read_psv(tmp_path, HEADER.strip()).columns == ("symbol", "name", "shares")


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing\n\r\n"])
def test_a_file_without_header_is_empty(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceError, match=r"'week\.psv' is empty"):
        read_psv(tmp_path, content)


def test_a_file_of_comments_is_not_read_to_its_end_in_search_of_a_header(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="first 10000 lines"):
        read_psv(tmp_path, "#\n" * 10_002)


@pytest.mark.parametrize(("line", "found"), [("a|b", 2), ("a|b|c|d", 4), ("a", 1), ("a,b,c", 1)])
def test_a_line_with_another_number_of_fields_is_rejected(tmp_path: Path, line: str, found: int) -> None:
    read = read_psv(tmp_path, f"{HEADER}1|2|3\n{line}\n4|5|6\n")
    assert list(read.rows) == [2, 4]
    [reject] = read.rejects
    assert (reject.line_number, reject.reason_code, reject.raw_text) == (3, "FIELD_COUNT", line)
    assert reject.detail == f"expected 3 fields, found {found}"


def test_lines_that_miss_and_exceed_by_the_same_do_not_cancel_out(tmp_path: Path) -> None:
    assert read_psv(tmp_path, HEADER + "1|2\n3|4|5|6\n").reasons == {2: "FIELD_COUNT", 3: "FIELD_COUNT"}


def test_a_truncated_last_row_is_rejected(tmp_path: Path) -> None:
    assert read_psv(tmp_path, HEADER + "1|2|3\n4|5").reasons == {3: "FIELD_COUNT"}


def test_a_last_row_needs_no_newline(tmp_path: Path) -> None:
    assert read_psv(tmp_path, HEADER + "1|2|3\n4|5|6").rows == {2: ("1", "2", "3"), 3: ("4", "5", "6")}


def test_blank_and_comment_lines_are_accounted_for(tmp_path: Path) -> None:
    read = read_psv(tmp_path, HEADER + "\n1|2|3\n#4|5|6\n  \t\n7|8|9\n")
    assert list(read.rows) == [3, 6]
    assert read.reasons == {2: "BLANK_LINE", 4: "COMMENT_LINE", 5: "BLANK_LINE"}


def test_blank_and_comment_lines_before_the_header_count(tmp_path: Path) -> None:
    read = read_psv(tmp_path, "# made by FINRA\n\n" + HEADER + "1|2|3\n")
    assert (read.rows, read.lines) == ({4: ("1", "2", "3")}, 3)
    assert read.reasons == {1: "COMMENT_LINE", 2: "BLANK_LINE"}


def test_a_hash_inside_a_line_is_data(tmp_path: Path) -> None:
    assert read_psv(tmp_path, HEADER + "a|#b|#c\n").values == [("a", "#b", "#c")]


def test_a_row_of_nothing_but_delimiters_is_a_row_of_empty_fields(tmp_path: Path) -> None:
    assert read_file(write(tmp_path / "x.tsv", "a\tb\tc\n\t\t\n")).values == [("", "", "")]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert read_psv(tmp_path, b"\xef\xbb\xbf" + HEADER.encode()).columns[0] == "symbol"


@pytest.mark.parametrize("block_bytes", [1, 2, 5, 64])
def test_a_mark_inside_the_file_is_data(tmp_path: Path, block_bytes: int) -> None:
    read = read_psv(tmp_path, "\ufeffa|b\n\ufeff1|2\n\ufeff3|4\n", block_bytes=block_bytes)
    assert read.values == [("\ufeff1", "2"), ("\ufeff3", "4")]


def test_crlf_ends_a_line(tmp_path: Path) -> None:
    read = read_psv(tmp_path, "a|b\r\n1|2\r\n\r\n3|4\r\n")
    assert (read.columns, read.values, read.reasons) == (("a", "b"), [("1", "2"), ("3", "4")], {3: "BLANK_LINE"})


def test_crlf_alone_takes_the_short_way_too(tmp_path: Path) -> None:
    assert read_psv(tmp_path, "a|b\r\n1|2\r\n3|4").values == [("1", "2"), ("3", "4")]


def test_a_lone_carriage_return_is_data(tmp_path: Path) -> None:
    assert read_psv(tmp_path, "a|b\n1|x\ry\n3|4\r\r\n").values == [("1", "x\ry"), ("3", "4\r")]


def test_lone_carriage_returns_as_line_ends_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="lone carriage returns"):
        read_psv(tmp_path, "a|b\r1|2\r")


def test_a_nul_byte_costs_its_line(tmp_path: Path) -> None:
    read = read_psv(tmp_path, HEADER + "1|\0|3\n4|5|6\n")
    assert (read.reasons, list(read.rows)) == ({2: "NUL_BYTE"}, [3])
    assert "\0" not in read.rejects[0].raw_text


def test_a_byte_that_is_not_utf8_costs_its_line_and_is_named(tmp_path: Path) -> None:
    read = read_psv(tmp_path, HEADER.encode() + b"1|caf\xe9|3\n4|caf\xc3\xa9|6\n")
    assert read.values == [("4", "café", "6")]
    assert read.rejects[0].reason_code == "INVALID_ENCODING"
    assert read.rejects[0].detail == "byte 0xE9 at position 6 of the line is not UTF-8"


@pytest.mark.parametrize("block_bytes", [1000, 65_536, 8 * 1024 * 1024])
def test_a_line_of_10_mb_costs_one_reject(tmp_path: Path, block_bytes: int) -> None:
    content = HEADER + "1|2|3\n" + "x" * 10_000_000 + "\r\n4|5|6\n"
    read = read_psv(tmp_path, content, block_bytes=block_bytes)
    assert read.rows == {2: ("1", "2", "3"), 4: ("4", "5", "6")}
    [reject] = read.rejects
    assert (reject.line_number, reject.reason_code) == (3, "LINE_TOO_LONG")
    assert reject.detail == "the line is 10000000 bytes long, 1048576 are allowed"
    assert reject.raw_text == "x" * RAW_TEXT_LIMIT


def test_a_long_last_line_without_newline_costs_one_reject(tmp_path: Path) -> None:
    read = read_psv(tmp_path, HEADER + "x" * 500, max_line_bytes=30, block_bytes=40)
    assert read.reasons == {2: "LINE_TOO_LONG"}


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("block_bytes", [3, 9, 1000])
def test_a_line_may_be_exactly_as_long_as_allowed(tmp_path: Path, end: str, block_bytes: int) -> None:
    read = read_psv(tmp_path, "a|b\n123|56" + end, max_line_bytes=6, block_bytes=block_bytes)
    assert read.values == [("123", "56")]


def test_a_header_without_end_is_not_a_header(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="where the header was expected"):
        read_psv(tmp_path, "x" * 1000, max_line_bytes=100, block_bytes=64)


@pytest.mark.parametrize(("delimiter", "extension"), [("|", "csv"), (",", "txt"), ("\t", "psv"), (";", "csv")])
def test_the_delimiter_is_the_most_frequent_of_the_header(tmp_path: Path, delimiter: str, extension: str) -> None:
    content = delimiter.join(["a", "b", "c"]) + "\n" + delimiter.join(["1", "2", "3"]) + "\n"
    assert read_file(write(tmp_path / f"x.{extension}", content)).values == [("1", "2", "3")]


def test_a_header_of_one_name_is_one_column(tmp_path: Path) -> None:
    read = read_file(write(tmp_path / "x.csv", "symbol\nAABB\n\nZZ,Z\n"))
    assert (read.values, read.reasons) == ([("AABB",)], {3: "BLANK_LINE", 4: "FIELD_COUNT"})


@pytest.mark.parametrize("options", [{"delimiter": "|"}, {"format": "psv"}])
def test_a_header_delimited_otherwise_than_said_is_an_error(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="holds no '\\|' and looks delimited by ','"):
        read_file(write(tmp_path / "x.csv", "a,b,c\n1,2,3\n"), **options)


def test_an_explicit_delimiter_wins(tmp_path: Path) -> None:
    assert read_file(write(tmp_path / "x.csv", "a,b,c|d\n1|2\n"), delimiter="|").columns == ("a,b,c", "d")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a|b|a", "Columns 1 and 3 of 'week.psv' are both named 'a'"),
        ("a||c", "Column 2 of 'week.psv' has no name"),
        ("a| ", "Column 2 of 'week.psv' has no name"),
        ("a|line_number", "which Spine adds"),
    ],
)
def test_columns_that_cannot_be_told_apart_are_an_error(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_psv(tmp_path, header + "\n")


@pytest.mark.parametrize("header", [b"caf\xe9|b\n", b"a\0|b\n", b"\x1f\x8b\x08|\n"])
def test_a_header_that_is_not_text_is_an_error_with_a_way_out(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(SourceError, match=r"[Ss]et (encoding|compression)"):
        read_psv(tmp_path, header)


def test_without_header_the_names_are_given(tmp_path: Path) -> None:
    read = read_psv(tmp_path, "# c\n1|2\n3|4\n", columns=["a", "b"])
    assert (read.columns, read.rows) == (("a", "b"), {2: ("1", "2"), 3: ("3", "4")})


def test_raw_text_is_cut(tmp_path: Path) -> None:
    [reject] = read_psv(tmp_path, HEADER + "é" * 10_000 + "\n").rejects
    assert reject.raw_text == "é" * RAW_TEXT_LIMIT


def test_many_bad_lines_come_in_several_batches(tmp_path: Path) -> None:
    assert read_psv(tmp_path, HEADER + "\n" * 150_000 + "1|2|3\n").rows == {150_002: ("1", "2", "3")}
