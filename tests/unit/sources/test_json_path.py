"""Rows inside a JSON object: the path to them, what stands beside them, and the keys that are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from spine.core.errors import ConfigurationError, SourceError
from spine.sources.json_scanner import JsonScanner
from spine.sources.streams import DecodedText
from tests.support.sources import read_file, write


class Pieces:
    """A stream that gives few bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        self.content, self.size = content, size

    def read(self, size: int, /) -> bytes:
        piece, self.content = self.content[: self.size], self.content[self.size :]
        return piece


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_members_beside_the_rows_are_kept_however_the_bytes_come(size: int) -> None:
    content = b' {"a" : {"x": [1, {"y": 2.50}], "rows": [ {"n": 1} , {"n": 2}], "z": null}, "last": "\\u20ac"} '
    scanner = JsonScanner(DecodedText(Pieces(content, size), "utf-8", "x"), "x", read_size=size, max_item=100)
    assert [item for item, _ in scanner.items(("a", "rows"))] == [{"n": "1"}, {"n": "2"}]
    assert scanner.members == {"a": {"x": ["1", {"y": "2.50"}], "rows": {}, "z": None}, "last": "€"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}', "no 'rows'"),
        ("{}", "no 'rows'"),
        ("[]", "expected an object with 'rows'"),
        ('{"rows": 1}', "expected an array of objects"),
        ('{"rows": null}', "expected an array of objects"),
        ('{"rows": [], "rows": []}', "'rows' occurs twice"),
        ('{"a": 1, "a": 2, "rows": []}', "'a' occurs twice"),
        ('{"rows": [{"a": 1}]', "cut off"),
        ('{"rows" []}', "expected ':'"),
        ("{1: []}", "a key in double quotes"),
        ('{"rows": [{"a": 1}]} x', "nothing after the end"),
    ],
)
def test_what_is_not_there_is_told_with_its_place(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_file(write(tmp_path / "x.json", content), data_path="rows", columns=["a"])


def test_one_object_at_the_path_is_one_row(tmp_path: Path) -> None:
    assert read_file(write(tmp_path / "x.json", '{"row": {"a": 1}}'), data_path="row").values == [("1",)]


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_keys_are_read_and_others_passed_over(tmp_path: Path, name: str) -> None:
    content = '[{"a": 1, "c": 2}, {"b": 3}]' if name == "x.json" else '{"a": 1, "c": 2}\n{"b": 3}\n'
    found = read_file(write(tmp_path / name, content), keys=["b", "a"])
    assert found.columns == ("b", "a") and found.values == [("", "1"), ("3", "")]


@pytest.mark.parametrize("options", [{"keys": []}, {"keys": ["a"], "columns": ["a"]}, {"data_path": ".a"}])
def test_options_that_make_no_sense(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        read_file(write(tmp_path / "x.json", "[]"), **options)
