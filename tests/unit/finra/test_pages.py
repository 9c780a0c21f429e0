"""A page is read as it was meant, or not at all."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spine.core.errors import SourceError
from spine.finra.answers import Answer
from spine.finra.pages import UnclearText, read_page
from spine.finra.redaction import Redactor

FIELDS = ("symbol", "name")
# A carriage return before a line feed cannot be told from a line end, and no issue's name ends in one.
VALUE = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=4) | st.sampled_from(
    ['"', "|", "#", "\n", '"a"']
)
ROWS = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=5)


def answer(body: bytes, kind: str, rows: int | None = None, *, whole: bool = True) -> Answer:
    headers = {"content-type": kind, "total-records-on-page": "" if rows is None else str(rows)}
    return Answer(200, headers, body, "https://api.example/data", whole)


def text_of(rows: list[tuple[str, str]], *, quoted: bool) -> bytes:
    def written(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if quoted else value

    return "".join("|".join(map(written, row)) + "\n" for row in [FIELDS, *rows]).encode()


@given(ROWS, st.booleans())
@example([("", "")], False)
@example([("#", "x")], True)
@example([("a", 'say "hi"')], False)
def test_text_is_read_exactly_or_declared_unclear(rows: list[tuple[str, str]], quoted: bool) -> None:
    with suppress(UnclearText, SourceError):
        page = read_page(answer(text_of(rows, quoted=quoted), "text/plain", len(rows)), FIELDS, Redactor())
        assert [tuple(row.values()) for row in page.rows.to_pylist()] == rows


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Z.]{1,5}", fullmatch=True), st.from_regex(r"[A-Za-z0-9 &.']{0,9}", fullmatch=True)
        ),
        min_size=1,
    )
)
def test_ordinary_text_is_always_read(rows: list[tuple[str, str]]) -> None:
    for quoted in (False, True):
        page = read_page(answer(text_of(rows, quoted=quoted), "text/plain"), FIELDS, Redactor())
        assert [tuple(row.values()) for row in page.rows.to_pylist()] == rows


@given(ROWS)
def test_json_is_always_read(rows: list[tuple[str, str]]) -> None:
    items = [dict(zip(FIELDS, row, strict=True)) for row in rows]
    for ascii_only in (False, True):
        body = json.dumps(items, ensure_ascii=ascii_only).encode()
        page = read_page(answer(body, "application/json; charset=utf-8", len(rows)), None, Redactor())
        assert page.rows.to_pylist() == items


def test_json_values_keep_their_text_and_null_is_empty() -> None:
    body = b'[{"a": 1.10, "b": null, "c": -0, "d": 1.5E+07, "e": true}, {"B": "x"}]'
    page = read_page(answer(body, "application/json"), ("a", "b", "c", "d", "e"), Redactor())
    assert page.rows.to_pylist() == [
        {"a": "1.10", "b": "", "c": "-0", "d": "1.5E+07", "e": "true"},
        {"a": "", "b": "x", "c": "", "d": "", "e": ""},
    ]


def test_text_whose_end_is_not_told_is_unclear() -> None:
    with pytest.raises(UnclearText):
        read_page(answer(b"symbol|name\nA|1", "text/plain", whole=False), FIELDS, Redactor())


def test_json_tells_its_own_end() -> None:
    assert len(read_page(answer(b'[{"symbol":"A"}]', "application/json", whole=False), FIELDS, Redactor())) == 1


def test_json_short_of_what_is_announced_is_worth_another_try() -> None:
    with pytest.raises(SourceError, match="announced 2 rows and sent 1") as failed:
        read_page(answer(b'[{"symbol":"A"}]', "application/json", 2), FIELDS, Redactor())
    assert failed.value.retryable


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    for body in (b"\xef\xbb\xbfsymbol|name\nA|1\n", b'\xef\xbb\xbf"symbol"|"name"\n"A"|"1"\n'):
        assert read_page(answer(body, "text/plain"), None, Redactor()).rows.to_pylist() == [
            {"symbol": "A", "name": "1"}
        ]
