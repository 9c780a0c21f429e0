"""Quotes are data in FINRA's pipes and syntax in commas; an open quote never swallows the next line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spine.sources.batches import Fault
from spine.sources.line_checks import BlockLines
from spine.sources.lines import LineBlock
from spine.sources.quoted import QuotedLines, split_quoted
from tests.support.sources import read_file, write

LINES = st.text(alphabet='",ab\r', max_size=14)


def test_quotes_in_pipe_files_are_data(tmp_path: Path) -> None:
    read = read_file(write(tmp_path / "x.csv", 'a|b\n"Big" Co|"x\n'))
    assert read.values == [('"Big" Co', '"x')]


def test_quotes_can_be_switched_on_for_pipes(tmp_path: Path) -> None:
    assert read_file(write(tmp_path / "x.psv", "a|b\n'1|2'|3\n"), quote_char="'").values == [("1|2", "3")]


def test_quotes_can_be_switched_off_for_commas(tmp_path: Path) -> None:
    assert read_file(write(tmp_path / "x.csv", 'a,b\n"1,2"\n'), quote_char=None).values == [('"1', '2"')]


def test_a_quoted_field_holds_delimiters_and_doubled_quotes(tmp_path: Path) -> None:
    read = read_file(write(tmp_path / "x.csv", 'a,"b,c"\n"1,2","say ""hi"""\n"",3\n'))
    assert read.columns == ("a", "b,c")
    assert read.values == [("1,2", 'say "hi"'), ("", "3")]


def test_rows_with_and_without_quotes_keep_their_order(tmp_path: Path) -> None:
    lines = [f'{n},"{n}"' if n % 3 else f'{n},x"{n}' for n in range(50)]
    read = read_file(write(tmp_path / "x.csv", "a,b\n" + "\n".join(lines)))
    assert [row[0] for row in read.values] == [str(n) for n in range(50)]


@pytest.mark.parametrize("line", ['1,"2', '"1,2', '"1"x,2', '1,"2""'])
def test_an_unbalanced_quote_costs_its_line_only(tmp_path: Path, line: str) -> None:
    read = read_file(write(tmp_path / "x.csv", f'a,b\n{line}\n3,"4"\n5,6\n'))
    assert read.reasons == {2: "UNBALANCED_QUOTES"}
    assert read.rows == {3: ("3", "4"), 4: ("5", "6")}


def test_a_quote_inside_an_unquoted_field_is_data(tmp_path: Path) -> None:
    assert read_file(write(tmp_path / "x.csv", 'a,b\n6" pipe,5" x 3"\n')).values == [('6" pipe', '5" x 3"')]


def test_a_quoted_line_with_another_number_of_fields_is_rejected(tmp_path: Path) -> None:
    read = read_file(write(tmp_path / "x.csv", 'a,b\n"1,2"\n3"x\n'))
    assert {reject.detail for reject in read.rejects} == {"expected 2 fields, found 1"}


@given(LINES)
def test_splitting_agrees_with_the_strict_csv_reader(line: str) -> None:
    try:
        expected: list[str] | None = next(csv.reader([line.replace("\r", "r")], strict=True)) or [""]
    except csv.Error:
        expected = None
    split = split_quoted(line.replace("\r", "r"), ",", '"')
    assert (None if isinstance(split, Fault) else split) == expected


@given(st.lists(LINES, min_size=1))
def test_lines_that_are_not_odd_have_the_fields_their_delimiters_tell(texts: list[str]) -> None:
    content = "".join(f"{text}\n" for text in texts).encode()
    lines = BlockLines(LineBlock(content, 1, len(texts)))
    quoted = QuotedLines(lines, ",", '"')
    delimiters = quoted.delimiter_counts()
    for index in set(range(len(lines))) - set(quoted.odd_ones().tolist()) - set(lines.with_lone_return().tolist()):
        fields = split_quoted(lines[index].decode(), ",", '"')
        assert not isinstance(fields, Fault)
        assert len(fields) == delimiters[index] + 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(LINES, max_size=20))
def test_rows_are_what_splitting_each_line_gives(tmp_path: Path, texts: list[str]) -> None:
    read = read_file(write(tmp_path / "x.csv", "\n".join(["x,y,z", *texts])))
    for number, text in enumerate(texts, start=2):
        fields = split_quoted(text.removesuffix("\r"), ",", '"')
        expected = tuple(fields) if not isinstance(fields, Fault) and len(fields) == 3 else None
        assert read.rows.get(number) == expected
