"""A query that FINRA would refuse, or understand otherwise, is refused before it is sent."""

from __future__ import annotations

import datetime as dt

import pytest

from spine.core.errors import ValidationError
from spine.finra.query import Compare, Comparison, DateRange, OneOf, Query, equal

MONDAY = dt.date(2026, 4, 6)
WEEK, TIER = equal("weekStartDate", MONDAY), equal("tierIdentifier", "T1")


def test_nothing_said_is_nothing_sent() -> None:
    assert Query("weeklySummary").body() == {}


def test_dates_are_written_as_finra_reads_them() -> None:
    body = Query("x", (WEEK, DateRange("lastUpdateDate", MONDAY, MONDAY)), ("MPID",)).body()
    assert body["compareFilters"][0]["fieldValue"] == "2026-04-06"
    assert body["dateRangeFilters"] == [
        {"fieldName": "lastUpdateDate", "startDate": "2026-04-06", "endDate": "2026-04-06"}
    ]
    assert body["fields"] == ["MPID"]


def test_a_sort_wants_every_partition_field_fixed() -> None:
    Query("weeklySummary", (equal("WEEKSTARTDATE", MONDAY), TIER), sort=("-MPID",))
    Query("weeklyDownloadDetails", (TIER,), sort=("-weekStartDate",))
    for filters in [(), (WEEK,), (TIER,), (OneOf("weekStartDate", (str(MONDAY),)), TIER)]:
        with pytest.raises(ValidationError, match="can be sorted only with an EQUAL filter on each of weekStartDate"):
            Query("WEEKLYSUMMARY", filters, sort=("MPID",))


@pytest.mark.parametrize("period", ["weekStartDate", "historicalWeek", "historicalMonth"])
def test_the_history_takes_one_period_and_perhaps_a_tier(period: str) -> None:
    Query("weeklySummaryHistoric", (equal(period, "2024-05-06"),))
    Query("weeklySummaryHistoric", (equal(period, "2024-05-06"), TIER), ("MPID",))


@pytest.mark.parametrize(
    "filters",
    [
        (),
        (TIER,),
        (WEEK, equal("historicalMonth", "2024-05")),
        (WEEK, WEEK),
        (WEEK, TIER, equal("summaryTypeCode", "ATS_W_SMBL")),
        (WEEK, OneOf("tierIdentifier", ("T1", "T2"))),
        (Compare("weekStartDate", "2024-05-06", Comparison.GTE), TIER),
        (DateRange("weekStartDate", MONDAY, MONDAY),),
    ],
)
def test_the_history_takes_nothing_else(filters: tuple[Compare, ...]) -> None:
    with pytest.raises(ValidationError, match="exactly one of weekStartDate, historicalWeek and historicalMonth"):
        Query("weeklySummaryHistoric", filters)


def test_the_history_has_no_order() -> None:
    with pytest.raises(ValidationError, match="cannot be sorted"):
        Query("weeklySummaryHistoric", (WEEK, TIER), sort=("MPID",))
