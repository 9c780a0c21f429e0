"""All rows of a query, however FINRA cuts them into pages, or an error."""

from __future__ import annotations

import datetime as dt
import itertools
import json

import pytest

from spine.core.errors import SourceError
from spine.finra.query import Compare, Comparison, DateRange, OneOf, equal
from spine.finra.tuning import Tuning
from tests.support.finra_api import Paged, made_rows, talking
from tests.support.http_server import Asked, Reply

pytestmark = pytest.mark.integration
SMALL = Tuning(page_rows=10)
ROWS = made_rows(57)


@pytest.mark.parametrize("rows_as", ["text", "json"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_pages_come_together_in_order(rows_as: str, concurrency: int) -> None:
    tuning = Tuning(page_rows=10, concurrency=concurrency, rows_as=rows_as)  # type: ignore[arg-type]
    with talking(Paged(ROWS), tuning=tuning) as talk:
        assert talk.rows(unique=True) == ROWS
        assert len(talk.server.asked) == 6


@pytest.mark.parametrize("at_most", [1, 3, 7, 9])
def test_a_short_page_is_not_the_end(at_most: int) -> None:
    with talking(Paged(ROWS, at_most=at_most), tuning=SMALL) as talk:
        assert talk.rows() == ROWS


def test_pages_may_shrink_on_the_way() -> None:
    sizes = itertools.cycle([10, 1, 4])
    with talking(Paged(ROWS, page=lambda number, rows: rows[: next(sizes)]), tuning=SMALL) as talk:
        assert talk.rows() == ROWS


@pytest.mark.parametrize("header", ["Record-Total", "record-total", "RECORD-TOTAL"])
def test_the_case_of_headers_does_not_matter(header: str) -> None:
    paged = Paged(ROWS, header=header)
    with talking(paged, tuning=SMALL) as talk:
        assert talk.rows() == ROWS
    assert max(body["offset"] for body in paged.bodies) == 50


@pytest.mark.parametrize("total", ["", "many"])
def test_without_a_total_an_empty_page_is_the_end(total: str) -> None:
    paged = Paged(ROWS, at_most=7, total=lambda number, true: total)
    with talking(paged, tuning=SMALL) as talk:
        assert talk.rows() == ROWS
    assert paged.bodies[-1]["offset"] == 57


def test_a_total_missing_on_later_pages_is_no_change() -> None:
    with talking(Paged(ROWS, total=lambda number, true: str(true) if number == 1 else ""), tuning=SMALL) as talk:
        assert talk.rows() == ROWS


@pytest.mark.parametrize(
    "empty",
    [
        Reply(status=204),
        Reply(b"[]", headers={"Content-Type": "application/json"}),
        Reply(b"symbol|shares\n", headers={"Content-Type": "text/plain"}),
        Reply(b"", headers={"Content-Type": "text/plain"}),
    ],
    ids=["204", "list", "header only", "nothing"],
)
@pytest.mark.parametrize("rows_as", ["text", "json"])
def test_no_rows_are_no_batches(empty: Reply, rows_as: str) -> None:
    with talking(Paged([], empty=empty), tuning=Tuning(rows_as=rows_as)) as talk:  # type: ignore[arg-type]
        assert talk.rows(fields=("symbol", "shares")) == []


def test_a_total_that_changes_starts_the_pull_again() -> None:
    paged = Paged(ROWS, total=lambda number, true: str(true + 1) if number == 3 else str(true))
    with talking(paged, tuning=Tuning(page_rows=10, concurrency=1)) as talk:
        assert talk.rows() == ROWS
    assert [body["offset"] for body in paged.bodies] == [0, 10, 20, 0, 10, 20, 30, 40, 50]


def test_rows_that_never_hold_still_are_an_error_worth_repeating() -> None:
    paged = Paged(ROWS, total=lambda number, true: str(true + number))
    with talking(paged, tuning=Tuning(page_rows=10, restarts=2, concurrency=1)) as talk:
        error = talk.refused(SourceError, r"changed while it was read, 3 times in a row.*the total went from")
    assert error.retryable


def test_fewer_rows_than_announced_are_an_error() -> None:
    paged = Paged(ROWS, total=lambda number, true: str(true + 1))
    with talking(paged, tuning=Tuning(restarts=1)) as talk:
        talk.refused(SourceError, "0 rows came at offset 57")


def test_more_rows_than_asked_for_are_an_error() -> None:
    paged = Paged(ROWS, total=lambda number, true: "5")
    with talking(paged, tuning=SMALL) as talk:
        talk.refused(SourceError, "5 rows were announced and 10 came")


def test_more_rows_than_pages_reach_are_refused_where_jobs_are_forbidden() -> None:
    with talking(Paged(ROWS, total=lambda number, true: "505001")) as talk:
        talk.refused(SourceError, "505,001 rows match, pages reach 505,000", asynchronous=False)


def test_a_row_that_comes_twice_starts_the_pull_again() -> None:
    paged = Paged(ROWS, page=lambda number, rows: [ROWS[0], *rows[1:]] if number == 3 else rows)
    with talking(paged, tuning=SMALL) as talk:
        assert talk.rows() == ROWS
    assert len(paged.bodies) == 12


def test_rows_that_keep_coming_twice_are_an_error() -> None:
    paged = Paged(ROWS, page=lambda number, rows: [ROWS[0], *rows[1:]])
    with talking(paged, tuning=SMALL) as talk:
        talk.refused(SourceError, "5 rows came twice")


def test_what_one_page_repeats_is_left_to_the_rules() -> None:
    paged = Paged([ROWS[0], ROWS[0], *ROWS[1:]])
    with talking(paged, tuning=SMALL) as talk:
        assert len(talk.rows()) == 58


def test_columns_that_do_not_tell_rows_apart_may_repeat() -> None:
    paged = Paged([ROWS[0]] * 30)
    with talking(paged, tuning=SMALL) as talk:
        assert len(talk.rows(fields=("symbol",))) == 30


def test_columns_come_as_asked_for_whatever_their_order_and_case() -> None:
    with talking(Paged(ROWS)) as talk:
        assert talk.rows(fields=("SHARES", "symbol"))[0] == {"SHARES": "0.5", "symbol": "S0000"}


def test_columns_that_change_between_pages_are_an_error() -> None:
    def answer(asked: Asked) -> Reply:
        first = json.loads(asked.body)["offset"] == 0
        text = b"a|b\n1|2\n" if first else b"a|c\n1|2\n"
        return Reply(text, headers={"record-total": "2", "Content-Type": "text/plain"})

    with (
        talking(answer, tuning=Tuning(page_rows=1)) as talk,
        pytest.raises(SourceError, match="changed from a, b to a, c"),
    ):
        talk.rows()


def test_quoted_values_are_understood_where_all_are_quoted() -> None:
    rows = [{"symbol": 'A""B', "shares": "1"}, {"symbol": "C|D", "shares": "2"}]
    with talking(Paged(rows, quoted=True)) as talk:
        assert [row["symbol"] for row in talk.rows()] == ['A"B', "C|D"]


@pytest.mark.parametrize(
    "symbol", ["A|B", "A\\nB", '\\"A\\"', "", "#A"], ids=["pipe", "newline", "quotes", "empty", "mark"]
)
def test_a_page_whose_text_is_unclear_is_asked_for_as_json(symbol: str) -> None:
    rows = [{"symbol": symbol.replace("\\n", "\n").replace("\\", ""), "shares": "1"}]

    def answer(asked: Asked) -> Reply:
        if asked.headers["accept"] == "application/json":
            return Reply(json.dumps(rows).encode(), headers={"Content-Type": "application/json", "Record-Total": "1"})
        lines = f"symbol\n{rows[0]['symbol']}\n" if not symbol else f"symbol|shares\n{rows[0]['symbol']}|1\n"
        return Reply(lines.encode(), headers={"Content-Type": "text/plain", "Record-Total": "1"})

    with talking(answer) as talk:
        assert [row["symbol"] for row in talk.rows(fields=None if symbol else ("symbol",))] == [rows[0]["symbol"]]
        assert [asked.headers["accept"] for asked in talk.server.asked] == ["text/plain", "application/json"]


def test_the_request_says_everything_explicitly() -> None:
    paged = Paged(ROWS)
    with talking(paged) as talk:
        talk.rows(
            "weeklySummary",
            fields=("symbol",),
            filters=(
                equal("weekStartDate", "2026-04-06"),
                equal("tierIdentifier", "T1"),
                Compare("shares", "5", Comparison.GTE),
                OneOf("MPID", ("A", "B")),
                DateRange("lastUpdateDate", dt.date(2026, 4, 1), dt.date(2026, 4, 30)),
            ),
            sort=("-symbol",),
        )
        [asked] = talk.server.asked
    assert (asked.method, asked.path) == ("POST", "/data/group/otcMarket/name/weeklySummary")
    assert asked.headers["user-agent"].startswith("airflow-provider-spine/")
    assert "authorization" not in asked.headers
    assert paged.bodies == [
        {
            "fields": ["symbol"],
            "compareFilters": [
                {"fieldName": "weekStartDate", "fieldValue": "2026-04-06", "compareType": "EQUAL"},
                {"fieldName": "tierIdentifier", "fieldValue": "T1", "compareType": "EQUAL"},
                {"fieldName": "shares", "fieldValue": "5", "compareType": "GTE"},
            ],
            "domainFilters": [{"fieldName": "MPID", "values": ["A", "B"]}],
            "dateRangeFilters": [{"fieldName": "lastUpdateDate", "startDate": "2026-04-01", "endDate": "2026-04-30"}],
            "sortFields": ["-symbol"],
            "delimiter": "|",
            "quoteValues": False,
            "offset": 0,
            "limit": 5000,
        }
    ]
