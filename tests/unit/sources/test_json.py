"""JSON and JSON Lines: exact numbers, known keys, bounded memory, and the place of what is not JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spine.core.errors import SourceError
from tests.support.sources import read_file, write

MEMBERS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.integers(), max_size=3))


@pytest.mark.parametrize("number", ["0.1", "1.10", "12345678901234567890", "0.30000000000000004", "1E5", "-0", "1e-7"])
def test_numbers_keep_their_digits(tmp_path: Path, number: str) -> None:
    assert read_file(write(tmp_path / "x.json", f'[{{"n": {number}}}]')).values == [(number,)]
    assert read_file(write(tmp_path / "x.jsonl", f'{{"n": {number}}}')).values == [(number,)]


def test_values_become_text(tmp_path: Path) -> None:
    content = '[{"s": "é \\u20ac \\ud83d\\ude00", "t": true, "n": null, "o": {"a": [1.50, "x", null]}, "e": []}]'
    [row] = read_file(write(tmp_path / "x.json", content)).values
    assert row == ("é € 😀", "true", "", '{"a":[1.50,"x",null]}', "[]")


def test_one_object_is_one_row(tmp_path: Path) -> None:
    assert read_file(write(tmp_path / "x.json", ' {"a": 1}\n')).rows == {1: ("1",)}


def test_line_numbers_are_places_in_the_array(tmp_path: Path) -> None:
    read = read_file(write(tmp_path / "x.json", '[7, {"a": 1}, "x", {"a": 2}, [], null, {"a": 3, "b": 4}, {}]'))
    assert read.rows == {2: ("1",), 4: ("2",), 8: ("",)}
    assert {r.line_number: (r.reason_code, r.detail) for r in read.rejects} == {
        1: ("NOT_AN_OBJECT", "expected an object, found a number"),
        3: ("NOT_AN_OBJECT", "expected an object, found a string"),
        5: ("NOT_AN_OBJECT", "expected an object, found an array"),
        6: ("NOT_AN_OBJECT", "expected an object, found null"),
        7: ("UNKNOWN_KEY", "key 'b' is not among the columns"),
    }
    assert read.lines == 8


def test_a_key_named_twice_is_rejected_not_overwritten(tmp_path: Path) -> None:
    read = read_file(write(tmp_path / "x.json", '[{"a": 1}, {"a": 1, "a": 2}, {"a": {"b": 1, "b": 2}}]'))
    assert read.reasons == {2: "INVALID_JSON", 3: "INVALID_JSON"}


def test_a_key_named_twice_in_the_first_object_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="names a key twice"):
        read_file(write(tmp_path / "x.json", '[{"a": 1, "a": 2}]'))


@pytest.mark.parametrize(("escape", "reason"), [("\\u0000", "NUL_BYTE"), ("\\ud800", "INVALID_ENCODING")])
def test_escapes_that_are_no_storable_text_are_rejected(tmp_path: Path, escape: str, reason: str) -> None:
    content = f'{{"a": "x"}}\n{{"a": "{escape}"}}\n'
    assert read_file(write(tmp_path / "x.jsonl", content)).reasons == {2: reason}
    assert read_file(write(tmp_path / "x.json", f"[{content.strip().replace(chr(10), ',')}]")).reasons == {2: reason}


def test_a_line_that_is_not_json_is_rejected(tmp_path: Path) -> None:
    content = '# note\n\n{"a": 1}\n{"a": }\n{"a": NaN}\n{"a": 2} x\n[1]\n{"a": "\xff"}\n{"b": 1}\n{"a": 3'
    read = read_file(write(tmp_path / "x.ndjson", content.encode("latin-1")))
    assert read.rows == {3: ("1",)}
    assert read.reasons == {
        1: "COMMENT_LINE",
        2: "BLANK_LINE",
        4: "INVALID_JSON",
        5: "INVALID_JSON",
        6: "INVALID_JSON",
        7: "NOT_AN_OBJECT",
        8: "INVALID_ENCODING",
        9: "UNKNOWN_KEY",
        10: "INVALID_JSON",
    }
    assert read.rejects[2].detail == "Expecting value at position 7"


def test_a_long_json_line_is_rejected(tmp_path: Path) -> None:
    content = f'{{"a": 1}}\n{{"a": "{"x" * 500}"}}\n{{"a": 2}}\n'
    read = read_file(write(tmp_path / "x.jsonl", content), max_line_bytes=100, block_bytes=64)
    assert (read.values, read.reasons) == ([("1",), ("2",)], {2: "LINE_TOO_LONG"})


def test_deep_nesting_is_a_fault_of_the_line(tmp_path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    read = read_file(write(tmp_path / "x.jsonl", f'{{"a": 1}}\n{{"a": {deep}}}\n'))
    assert read.reasons == {2: "INVALID_JSON"}
    with pytest.raises(SourceError, match="nested too deeply"):
        read_file(write(tmp_path / "x.json", deep))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1},\n {"a": tru}]', "line 2 column 8 .*Expecting value"),
        ('[{"a": 1},\n {"a": 2', "line 2 column 9 .*may be cut off"),
        ('[{"a": 1},\n {"a": "2', "line 2 column 8 .*may be cut off"),
        ('[{"a": 1},\n', "line 2 column 1 .*may be cut off"),
        ('[{"a": 1}', "line 1 column 10 .*not closed"),
        ('[{"a": 1} {"a": 2}]', "line 1 column 11 .*expected ',' or ']'"),
        ('[{"a": 1},]', "line 1 column 11"),
        ('{"a": 1}\n{"a": 2}\n', "line 2 column 1 .*'jsonl'"),
        ('[{"a": NaN}]', "NaN is not JSON"),
        ("a|b\n1|2\n", "line 1 column 1 .*expected an array"),
        ("", "is empty"),
        ("  \n", "is empty"),
        ("[]", "holds an empty array"),
        ("[1, 2]", "no object among its first 2 items"),
        ("[{}]", "has no keys"),
        ('[{"": 1}]', "has no name"),
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 7, 8 * 1024 * 1024])
def test_what_is_not_json_is_named_with_its_place(tmp_path: Path, content: str, message: str, block_bytes: int) -> None:
    with pytest.raises(SourceError, match=message):
        read_file(write(tmp_path / "x.json", content), block_bytes=block_bytes)


@pytest.mark.parametrize(("content", "message"), [("", "is empty"), ("1\n[]\n", "None of the first 2 lines")])
def test_json_lines_without_an_object_are_an_error(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_file(write(tmp_path / "x.jsonl", content))


def test_with_columns_an_empty_array_is_no_rows(tmp_path: Path) -> None:
    read = read_file(write(tmp_path / "x.json", "[]"), columns=["a"])
    assert (read.columns, read.rows, read.lines) == (("a",), {}, 0)


@pytest.mark.parametrize("block_bytes", [16, 64, 100_000])
def test_an_item_longer_than_allowed_is_an_error_whatever_the_blocks(tmp_path: Path, block_bytes: int) -> None:
    path = write(tmp_path / "x.json", f'[{{"a": "1"}}, {{"a": "{"x" * 500}"}}, {{"a": 1}}]')
    with pytest.raises(SourceError, match=r"line 1 column 14 .*longer than 100 characters"):
        read_file(path, max_line_bytes=100, block_bytes=block_bytes)


def test_a_byte_that_is_not_utf8_is_an_error_with_its_offset(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="byte 0xE9 at offset 8"):
        read_file(write(tmp_path / "x.json", b'[{"a": "\xe9"}]'))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    items=st.lists(st.dictionaries(st.sampled_from(["a", "b"]), MEMBERS), max_size=20),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_arrays_and_lines_give_the_same_whatever_the_blocks(
    tmp_path: Path, items: list[dict[str, object]], indent: int | None, ascii_only: bool
) -> None:
    array = write(tmp_path / "x.json", json.dumps(items, indent=indent, ensure_ascii=ascii_only))
    lines = write(tmp_path / "x.jsonl", "\n".join(json.dumps(item) for item in items))
    options = {"columns": ["a", "b"], "max_line_bytes": 10_000}
    whole = read_file(array, **options)
    assert whole.lines == len(items)
    by_line = read_file(lines, **options) if items else whole
    for other in (read_file(array, block_bytes=3, **options), read_file(array, block_bytes=64, **options), by_line):
        assert (other.rows, other.reasons) == (whole.rows, whole.reasons)
