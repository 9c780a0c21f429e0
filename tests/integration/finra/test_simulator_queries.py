"""FINRA's query language, its headers, its other datasets, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from spine.core.tiers import Tier
from spine.finra.simulator import EmptyAnswer, HeaderStyle
from spine.finra.synthetic import SUMMARY_TYPES
from tests.integration.finra.conftest import Start
from tests.support.finra import MARKET, WEEK, WEEKLY, Caller, equal, partition

pytestmark = pytest.mark.integration

_HISTORIC, _DETAILS = f"{WEEKLY}Historic", "/data/group/otcMarket/name/weeklyDownloadDetails"


def _compare(field: str, operator: str, value: object) -> dict[str, Any]:
    return {"fieldName": field, "compareType": operator, "fieldValue": value, "description": ""}


def _with(*filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"compareFilters": [*partition()["compareFilters"], *filters], "limit": 5000, **more}


@pytest.mark.parametrize(
    ("operator", "passes"),
    [
        ("EQUAL", lambda trades: trades == 100),
        ("NOT_EQUAL", lambda trades: trades != 100),
        ("GREATER", lambda trades: trades > 100),
        ("LESSER", lambda trades: trades < 100),
        ("GTE", lambda trades: trades >= 100),
        ("LTE", lambda trades: trades <= 100),
    ],
)
def test_every_comparison_compares(call: Caller, operator: str, passes: Callable[[int], bool]) -> None:
    whole = call.rows(_with())
    asked = call.post(_with(_compare("totalWeeklyTradeCount", operator, "100")))
    expected = [row for row in whole if passes(row["totalWeeklyTradeCount"])]
    assert sorted(asked.json() if asked.content else [], key=str) == sorted(expected, key=str)


def test_a_beginning_can_be_asked_for(call: Caller) -> None:
    symbols = {row["issueSymbolIdentifier"] for row in call.rows(_with())} - {None}
    letter = min(symbols)[0]
    found = call.rows(_with(_compare("issueSymbolIdentifier", "BEGINS_WITH", letter)))
    assert {row["issueSymbolIdentifier"] for row in found} == {each for each in symbols if each.startswith(letter)}


def test_date_ranges_include_both_ends_and_take_times(call: Caller) -> None:
    spans = {"fieldName": "weekStartDate", "startDate": "2026-03-30 00:00:00.000", "endDate": "2026-04-06"}
    rows = call.rows(equal(tierIdentifier="T1", summaryTypeCode="ATS_W_SMBL") | {"dateRangeFilters": [spans]})
    assert {row["weekStartDate"] for row in rows} == {"2026-03-30", "2026-04-06"}


def test_domains_are_lists_of_values(call: Caller) -> None:
    domain = {"fieldName": "tierIdentifier", "values": ["T1", "OTCE"]}
    rows = call.rows(equal(weekStartDate="2026-04-06", summaryTypeCode="ATS_W_SMBL") | {"domainFilters": [domain]})
    assert {row["tierIdentifier"] for row in rows} == {"T1", "OTCE"}


def test_one_condition_of_an_or_filter_is_enough(call: Caller) -> None:
    either = [_compare("summaryTypeCode", "EQUAL", "ATS_W_SMBL"), _compare("summaryTypeCode", "EQUAL", "OTC_W_FIRM")]
    rows = call.rows(_with(orFilters=[{"compareFilters": either}]))
    assert {row["summaryTypeCode"] for row in rows} == {"ATS_W_SMBL", "OTC_W_FIRM"}


def test_an_or_filter_may_mix_partition_and_row_fields(call: Caller) -> None:
    either = [_compare("summaryTypeCode", "EQUAL", "ATS_W_SMBL"), _compare("totalWeeklyTradeCount", "GREATER", 10**9)]
    rows = call.rows(_with(orFilters=[{"compareFilters": either}]))
    assert {row["summaryTypeCode"] for row in rows} == {"ATS_W_SMBL"}


def test_a_symbol_over_all_weeks(call: Caller) -> None:
    symbol = MARKET.week(Tier.T1, WEEK, summary_type="ATS_W_SMBL")["issueSymbolIdentifier"][0].as_py()
    rows = call.rows(equal(issueSymbolIdentifier=symbol, tierIdentifier="T1", summaryTypeCode="ATS_W_SMBL"))
    assert len(rows) == len({row["weekStartDate"] for row in rows}) > 30


def test_rows_are_sorted_when_the_partition_is_fixed(call: Caller) -> None:
    body = partition(sortFields=["-totalWeeklyShareQuantity", "mpid"], limit=5000)
    shares = [row["totalWeeklyShareQuantity"] for row in call.rows(body)]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("body", [{}, equal(weekStartDate="2026-04-06"), equal(tierIdentifier="T1")])
def test_sorting_needs_every_partition_field_fixed(call: Caller, body: dict[str, Any]) -> None:
    refused = call.post(body | {"sortFields": ["MPID"]})
    assert refused.status_code == 400
    assert "weekStartDate, tierIdentifier" in refused.json()["message"]


def test_record_headers_say_where_the_page_lies(call: Caller) -> None:
    page = call.post(partition(limit=20, offset=40))
    assert {name: page.headers[name] for name in page.headers if name.startswith(("record", "resp", "total"))} == {
        "record-total": page.headers["record-total"],
        "record-offset": "40",
        "record-limit": "20",
        "record-max-limit": "5000",
        "response-payload-max-size": "3mb",
        "total-records-on-page": "20",
    }
    assert page.headers["finra-api-request-id"]


def test_the_default_limit_is_1000_and_the_most_5000(call: Caller) -> None:
    assert call.post(partition()).headers["record-limit"] == "1000"
    assert call.post(partition(limit=9999)).headers["record-limit"] == "5000"


@pytest.mark.parametrize(
    ("style", "spelling"), [(HeaderStyle.CAPITALISED, b"Record-Total"), (HeaderStyle.LOWER, b"record-total")]
)
def test_headers_are_spelled_as_the_year_has_it(start: Start, style: HeaderStyle, spelling: bytes) -> None:
    _, call = start(header_style=style)
    assert spelling in [name for name, _ in call.post(partition()).headers.raw]


def test_the_count_on_a_page_may_be_empty(start: Start) -> None:
    _, call = start(page_count_header=False)
    assert call.post(partition()).headers["total-records-on-page"] == ""


def test_no_rows_are_204_without_a_body(call: Caller) -> None:
    page = call.post(partition(monday="1999-01-04"))
    assert (page.status_code, page.content, page.headers["record-total"]) == (204, b"", "0")


def test_an_offset_behind_the_end_has_no_rows_but_the_total(call: Caller) -> None:
    total = call.post(partition()).headers["record-total"]
    page = call.post(partition(offset=int(total)))
    assert (page.status_code, page.headers["record-total"]) == (204, total)


def test_no_rows_were_once_an_empty_list(start: Start) -> None:
    _, call = start(empty_answer=EmptyAnswer.EMPTY_LIST)
    nothing = partition(monday="1999-01-04", fields=["MPID"])
    assert (call.post(nothing).status_code, call.post(nothing).json()) == (200, [])
    assert call.post(nothing, accept="text/plain").text == '"MPID"\n'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (equal(wekStartDate="2026-04-06"), "did you mean 'weekStartDate'"),
        (partition(fields=["nothing"]), "nothing"),
        (partition(sortFields=["nothing"]), "nothing"),
        ({"compareFilters": [_compare("MPID", "LIKE", "A")]}, "LIKE"),
        ({"compareFilters": [_compare("totalWeeklyTradeCount", "BEGINS_WITH", "1")]}, "BEGINS_WITH"),
        ({"compareFilters": [_compare("totalWeeklyTradeCount", "EQUAL", "many")]}, "many"),
        ({"compareFilters": [_compare("weekStartDate", "EQUAL", "04/06/2026")]}, "04/06/2026"),
        ({"compareFilters": [{"fieldName": "MPID"}]}, "None"),
        ({"compareFilters": {"fieldName": "MPID"}}, "compareFilters"),
        ({"dateRangeFilters": [{"fieldName": "MPID", "startDate": "2026-01-01"}]}, "MPID"),
        ({"domainFilters": [{"fieldName": "MPID", "values": "A"}]}, "MPID"),
        ({"orFilters": [{}]}, "orFilters"),
        (partition(limit=0), "limit"),
        (partition(limit="many"), "limit"),
        (partition(offset=-1), "offset"),
        (partition(offset=500_001), "offset"),
        (partition(delimiter=";"), "delimiter"),
        (partition(quoteValues="perhaps"), "quoteValues"),
        ([], "JSON object"),
    ],
)
def test_what_cannot_be_understood_is_400(call: Caller, body: Any, said: str) -> None:
    refused = call.post(body, accept="text/plain")
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/json"
    error = refused.json()
    assert error.keys() == {"statusCode", "statusDescription", "requestId", "message"}
    assert (error["statusCode"], error["statusDescription"]) == (400, "Bad Request")
    assert error["requestId"] == refused.headers["finra-api-request-id"]
    assert said in error["message"]


@pytest.mark.parametrize("path", ["/data/group/otcMarket/name/nothing", "/data/group/other/name/weeklySummary"])
def test_an_unknown_dataset_is_400(call: Caller, path: str) -> None:
    assert call.post({}, path=path).status_code == 400


def test_other_refusals_have_their_codes(call: Caller) -> None:
    assert call.get("/nothing").status_code == 404
    assert call.http.put(WEEKLY).status_code == 405
    assert call.post(partition(), accept="image/png").status_code == 406
    assert call.http.post(WEEKLY, content="<a/>", headers={"content-type": "text/xml"}).status_code == 415
    assert call.http.post(WEEKLY, content="{", headers={"content-type": "application/json"}).status_code == 400


def test_partitions_are_listed_newest_first(call: Caller) -> None:
    listed = call.get("/partitions/group/otcmarket/name/WEEKLYSUMMARY").json()
    pairs = [each["partitions"] for each in listed["availablePartitions"]]
    assert listed["partitionFields"] == ["weekStartDate", "tierIdentifier"]
    assert pairs[:3] == [["2026-04-20", "T1"], ["2026-04-13", "T1"], ["2026-04-06", "OTCE"]]
    assert [monday for monday, _ in pairs] == sorted((monday for monday, _ in pairs), reverse=True)
    assert len(pairs) == 3 * 60


def test_metadata_name_fields_and_types(call: Caller) -> None:
    metadata = call.get("/metadata/group/otcMarket/name/weeklySummary").json()
    fields = {field["name"]: field for field in metadata["fields"]}
    assert (metadata["datasetName"], metadata["partitionFields"]) == (
        "WEEKLYSUMMARY",
        ["weekStartDate", "tierIdentifier"],
    )
    assert {field["type"] for field in fields.values()} == {"String", "Number", "Date"}
    assert fields["weekStartDate"]["format"] == "yyyy-MM-dd"
    assert call.post(partition(limit=1)).json()[0].keys() == fields.keys()


def test_datasets_can_be_listed_and_searched(call: Caller) -> None:
    names = [each["name"] for each in call.get("/datasets").json()]
    assert names == ["weeklySummary", "weeklySummaryHistoric", "weeklySummaryMock", "weeklyDownloadDetails"]
    assert [each["name"] for each in call.get("/datasets?group=OTCMarket&name=weeklysummary").json()] == names[:1]


def test_the_mock_has_no_notional_sum(call: Caller) -> None:
    production, mock = (call.post(partition(limit=9), path=path).json() for path in (WEEKLY, f"{WEEKLY}Mock"))
    assert [{**row, "totalNotionalSum": 0} for row in mock] == [{**row, "totalNotionalSum": 0} for row in production]
    assert "totalNotionalSum" not in mock[0]


def test_download_details_list_the_published_weeks(call: Caller) -> None:
    body = equal(summaryTypeCode="ATS_W_SMBL", tierIdentifier="T1") | {"sortFields": ["-weekStartDate"], "limit": 52}
    page = call.post(body, path=_DETAILS)
    assert (page.headers["record-total"], len(page.json())) == ("60", 52)
    assert page.json()[0] == {
        "weekStartDate": "2026-04-20",
        "tierIdentifier": "T1",
        "summaryTypeCode": "ATS_W_SMBL",
    }


@pytest.mark.parametrize(
    "period", [{"weekStartDate": "2025-04-07"}, {"historicalWeek": "2025-04-10"}, {"historicalMonth": "2025-04"}]
)
def test_the_history_is_asked_by_one_period(call: Caller, period: dict[str, str]) -> None:
    rows = call.rows(equal(**period, tierIdentifier="T1") | {"limit": 5000}, path=_HISTORIC)
    weeks = {row["weekStartDate"] for row in rows}
    assert weeks == (
        {f"2025-04-{day:02d}" for day in (7, 14, 21, 28)} if "historicalMonth" in period else {"2025-04-07"}
    )
    shown = {name.lower(): value for name, value in period.items() if name != "weekStartDate"}
    assert {name: rows[0][name] for name in rows[0] if name.startswith("historical")} == shown


@pytest.mark.parametrize(
    "body",
    [
        {},
        equal(tierIdentifier="T1"),
        equal(weekStartDate="2025-04-07", historicalMonth="2025-04"),
        equal(weekStartDate="2025-04-07", MPID="ABCD"),
        equal(weekStartDate="2025-04-07", tierIdentifier="T1") | {"sortFields": ["MPID"]},
        equal(historicalMonth="April"),
        {"dateRangeFilters": [{"fieldName": "weekStartDate", "startDate": "2025-04-07", "endDate": "2025-04-14"}]},
    ],
)
def test_the_history_takes_no_other_filters(call: Caller, body: dict[str, Any]) -> None:
    assert call.post(body, path=_HISTORIC).status_code == 400


@pytest.mark.parametrize("monday", ["2025-04-08", "2026-04-06"])
def test_the_history_has_mondays_older_than_a_year(call: Caller, monday: str) -> None:
    assert call.post(equal(weekStartDate=monday), path=_HISTORIC).status_code == 204


def test_every_type_is_published_for_every_week(call: Caller) -> None:
    rows = call.rows(equal(weekStartDate="2026-04-06"), path=_DETAILS)
    assert {(row["tierIdentifier"], row["summaryTypeCode"]) for row in rows} == {
        (str(tier), code) for tier in Tier for code in SUMMARY_TYPES
    }
