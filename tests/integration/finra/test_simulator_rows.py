"""What the simulator serves is what the market holds, in FINRA's forms."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from spine.core.tiers import Tier
from spine.core.weeks import monday_of
from spine.finra.simulator import Simulator
from spine.finra.synthetic import SUMMARY_TYPES
from tests.integration.finra.conftest import Start
from tests.support.finra import JSON, MARKET, WEEK, WEEKLY, Caller, equal, partition

pytestmark = pytest.mark.integration


def _served(call: Caller, tier: object, summary_type: str) -> list[dict[str, Any]]:
    return call.rows(equal(weekStartDate=monday_of(WEEK), tierIdentifier=tier, summaryTypeCode=summary_type))


def _keyed(rows: list[dict[str, Any]]) -> dict[tuple[str, str, int], dict[str, Any]]:
    return {(row["issueSymbolIdentifier"], row["MPID"], row["firmCRDNumber"]): row for row in rows}


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value) if isinstance(value, dt.date) else value


def _shares_by_symbol(rows: list[dict[str, Any]]) -> dict[str, tuple[Decimal, int]]:
    totals: dict[str, tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
    for row in rows:
        shares, trades = totals[row["issueSymbolIdentifier"]]
        shares += Decimal(str(row["totalWeeklyShareQuantity"]))
        totals[row["issueSymbolIdentifier"]] = shares, trades + row["totalWeeklyTradeCount"]
    return totals


@pytest.mark.parametrize("summary_type", SUMMARY_TYPES)
@pytest.mark.parametrize("tier", Tier)
def test_rows_are_the_markets_rows(call: Caller, tier: Tier, summary_type: str) -> None:
    expected: pa.Table = MARKET.week(tier, WEEK, summary_type=summary_type)
    rows = [{name: _as_json(value) for name, value in row.items()} for row in expected.to_pylist()]
    served = [{name: row[name] for name in expected.column_names} for row in _served(call, tier, summary_type)]
    assert len(served) == len(rows)
    assert _keyed(served) == _keyed(rows)


@pytest.mark.parametrize("side", ["ATS", "OTC"])
@pytest.mark.parametrize("tier", Tier)
def test_rows_of_a_symbol_are_the_sum_of_its_firms(call: Caller, tier: Tier, side: str) -> None:
    by_symbol, by_firm = (_served(call, tier, f"{side}_W_SMBL{grain}") for grain in ("", "_FIRM"))
    assert _shares_by_symbol(by_symbol) == _shares_by_symbol(by_firm)


def test_without_a_summary_type_all_types_come_mixed(call: Caller) -> None:
    rows = call.rows(partition())
    expected = sum(MARKET.week(Tier.T1, WEEK, summary_type=code).num_rows for code in SUMMARY_TYPES)
    assert len(rows) == expected
    assert {row["summaryTypeCode"] for row in rows} == set(SUMMARY_TYPES)
    assert len({row["summaryTypeCode"] for row in rows[:40]}) > 1


def test_the_order_means_nothing_and_stays(call: Caller) -> None:
    symbols = [[row["issueSymbolIdentifier"] for row in call.rows(partition())] for _ in range(2)]
    assert symbols[0] == symbols[1]
    assert symbols[0] != sorted(symbols[0], key=str)


def test_two_simulators_serve_the_same_bytes(start: Start) -> None:
    bodies = [start()[1].post(partition(limit=5000)).content for _ in range(2)]
    assert bodies[0] == bodies[1]


def test_pages_make_up_the_whole_once_each(call: Caller) -> None:
    whole = call.post(partition(limit=5000)).json()
    assert len(whole) > 300
    assert call.rows(partition(limit=97)) == whole


def test_offset_is_the_number_of_rows_left_out(call: Caller) -> None:
    whole = call.post(partition(limit=5000)).json()
    assert call.post(partition(offset=10, limit=5)).json() == whole[10:15]


def test_a_page_ends_where_the_payload_limit_is(start: Start) -> None:
    _, call = start(payload_limit=20_000)
    pages = list(call.pages(partition(limit=5000)))
    assert all(len(page.content) <= 20_002 for page in pages)
    assert len(pages) > 3
    assert all(len(page.json()) < int(page.headers["record-limit"]) for page in pages)
    assert sum(len(page.json()) for page in pages) == int(pages[0].headers["record-total"])


def test_a_payload_limit_below_a_row_still_gives_a_row(start: Start) -> None:
    _, call = start(payload_limit=1)
    assert len(call.post(partition(limit=3)).json()) == 1


def test_notional_sums_are_whole_dollars_until_march_2025(call: Caller) -> None:
    old, new = (
        [row["totalNotionalSum"] for row in call.rows(partition(monday=monday))]
        for monday in ("2025-03-03", "2026-04-06")
    )
    assert all(isinstance(value, int) for value in old)
    assert any(isinstance(value, float) for value in new)


def test_json_keys_keep_the_datasets_order(call: Caller) -> None:
    row = call.post(partition(fields=["MPID", "issueSymbolIdentifier"], limit=1)).json()[0]
    assert list(row) == ["issueSymbolIdentifier", "MPID"]


def test_field_names_have_no_case(call: Caller) -> None:
    rows = call.rows(equal(weekstartdate="2026-04-06", TIERIDENTIFIER="T1") | {"fields": ["mpid"]})
    assert rows[0].keys() == {"MPID"}


def test_dataset_and_group_names_have_no_case(call: Caller) -> None:
    page = call.post(partition(), path="/data/group/OTCMARKET/name/weeklysummary")
    assert page.content == call.post(partition()).content


def test_text_is_the_default_and_follows_the_order_asked_for(call: Caller) -> None:
    fields = ["MPID", "issueSymbolIdentifier", "totalWeeklyShareQuantity"]
    page = call.post(partition(fields=fields, limit=50), accept="*/*")
    rows = list(csv.DictReader(io.StringIO(page.text)))
    assert page.headers["content-type"] == "text/plain"
    assert page.text.startswith('"MPID","issueSymbolIdentifier","totalWeeklyShareQuantity"\n')
    assert list(rows[0]) == fields
    expected = call.post(partition(fields=fields, limit=50)).json()
    assert [row["MPID"] for row in rows] == [row["MPID"] or "" for row in expected]


@pytest.mark.parametrize("delimiter", ["|", "\t", "\x01"])
def test_text_takes_other_delimiters_and_no_quotes(call: Caller, delimiter: str) -> None:
    body = partition(fields=["MPID", "issueName"], delimiter=delimiter, quoteValues=False, limit=3)
    lines = call.post(body, accept="text/plain").text.splitlines()
    assert lines[0] == f"MPID{delimiter}issueName"
    assert [line.count(delimiter) for line in lines] == [1] * 4


def test_unquoted_commas_are_left_in_values(call: Caller) -> None:
    body = partition(fields=["issueName"], quoteValues=False, limit=5000)
    assert any("," in line for line in call.post(body, accept="text/plain").text.splitlines())


def test_an_unfiltered_request_gets_an_old_partition(call: Caller, plain_simulator: Simulator) -> None:
    partitions = call.get("/partitions/group/otcMarket/name/weeklySummary").json()["availablePartitions"]
    newest, oldest = partitions[0]["partitions"][0], partitions[-1]["partitions"][0]
    for page in (call.get(WEEKLY), call.post({})):
        assert {row["weekStartDate"] for row in page.json()} == {oldest}
    assert newest > oldest


def test_get_ignores_filters_with_200(call: Caller) -> None:
    plain = call.get(WEEKLY)
    asked = call.get(f"{WEEKLY}?weekStartDate=2026-04-06&tierIdentifier=T1&compareFilters=nonsense")
    assert (asked.status_code, asked.content) == (200, plain.content)


def test_get_takes_fields_limit_and_offset(call: Caller) -> None:
    page = call.get(f"{WEEKLY}?fields=MPID,weekStartDate&limit=7&offset=3")
    assert page.json() == [
        {name: row[name] for name in ("MPID", "weekStartDate")} for row in call.get(f"{WEEKLY}?limit=10").json()[3:]
    ]


def test_bodies_can_be_compressed(start: Start) -> None:
    _, call = start(gzip=True)
    page = call.http.post(WEEKLY, json=partition(), headers=JSON)
    assert page.headers["content-encoding"] == "gzip"
    assert len(page.json()) == 1000 or len(page.json()) == int(page.headers["record-total"])
