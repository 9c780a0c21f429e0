"""A week from the API is the market's week, complete, or an error that says why not."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    PermissionDenied,
    SourceError,
    SpineError,
    ValidationError,
)
from spine.core.partitions import Partition
from spine.core.retrying import RetryPolicy
from spine.core.tiers import Tier
from spine.finra.api_source import FIELDS, SUMMARY_TYPES, FinraWeeklySource
from spine.finra.client import FinraClient
from spine.finra.layout import Layout
from spine.finra.simulator import EmptyAnswer, Fault, FaultKind, HeaderStyle, Keyless, Simulator
from spine.finra.tuning import Tuning
from spine.finra.weekly_rows import WeeklyRows
from spine.sources import LINE_NUMBER, SourceReading
from tests.integration.finra.conftest import Start
from tests.support.finra import MARKET, NOW, WEEK
from tests.support.finra_api import Waits, talking
from tests.support.http_server import Asked, Reply

pytestmark = pytest.mark.integration
OLD_WEEK = dt.date(2025, 4, 11)
SMALL = Tuning(page_rows=25)


@pytest.fixture
def client(plain_simulator: Simulator) -> Iterator[FinraClient]:
    with FinraClient(plain_simulator.url, tuning=SMALL) as client:
        yield client


def source(client: FinraClient, tier: Tier = Tier.T1, week: dt.date = WEEK, **options: Any) -> FinraWeeklySource:
    return FinraWeeklySource(client, tier, week, **({"now": lambda: NOW} | options))


def rows_of(reading: SourceReading) -> list[dict[str, Any]]:
    return [row for batch in reading for row in batch.rows.to_pylist()]


def market_rows(tier: Tier, summary_type: str, week: dt.date = WEEK) -> int:
    return int(MARKET.week(tier, week, summary_type=summary_type).num_rows)


@pytest.mark.parametrize("rows_as", ["text", "json"])
@pytest.mark.parametrize("summary_type", SUMMARY_TYPES)
def test_every_row_of_the_week_comes_once(plain_simulator: Simulator, summary_type: str, rows_as: str) -> None:
    tuning = Tuning(page_rows=25, rows_as=rows_as)  # type: ignore[arg-type]
    with FinraClient(plain_simulator.url, tuning=tuning) as client:
        reading = source(client, Tier.T2, summary_type=summary_type).read()
        assert reading.columns == FIELDS
        rows = rows_of(reading)
    assert len(rows) == reading.lines == market_rows(Tier.T2, summary_type)
    assert [row.pop(LINE_NUMBER) for row in rows] == list(range(1, len(rows) + 1))
    assert {type(value) for row in rows for value in row.values()} == {str}


@pytest.mark.parametrize("tier", Tier)
def test_numbers_keep_their_digits(client: FinraClient, tier: Tier) -> None:
    typer_rows = _typed(client, tier, "ATS_W_SMBL_FIRM")
    market = MARKET.week(tier, WEEK, summary_type="ATS_W_SMBL_FIRM")
    assert pa.compute.sum(typer_rows["total_shares"]) == pa.compute.sum(market["totalWeeklyShareQuantity"])
    assert pa.compute.sum(typer_rows["total_trades"]) == pa.compute.sum(market["totalWeeklyTradeCount"])


@pytest.mark.parametrize("summary_type", SUMMARY_TYPES)
def test_rows_are_understood_without_a_reject(client: FinraClient, summary_type: str) -> None:
    assert _typed(client, Tier.OTCE, summary_type).num_rows == market_rows(Tier.OTCE, summary_type)


def _typed(client: FinraClient, tier: Tier, summary_type: str) -> pa.Table:
    reading = source(client, tier, summary_type=summary_type).read()
    partition = Partition("finra.otc_transparency", tier, WEEK)
    typer = WeeklyRows(Layout.detect(reading.columns, "api"), partition, summary_type)
    typed = [typer.type(batch) for batch in reading]
    assert [reject for batch in typed for reject in batch.rejects] == []
    return pa.Table.from_batches([batch.rows for batch in typed])


def test_the_digest_is_over_the_pages_as_received(client: FinraClient) -> None:
    first, second = source(client).read(), source(client).read()
    assert first.sha256 == second.sha256
    assert len(first.sha256) == 64
    assert first.bytes_read == second.bytes_read > market_rows(Tier.T1, "ATS_W_SMBL_FIRM") * 50
    assert first.sha256 != hashlib.sha256().hexdigest()


def test_a_reading_is_read_once(client: FinraClient) -> None:
    with source(client).read() as reading:
        assert rows_of(reading)
        with pytest.raises(SpineError, match="second time"):
            iter(reading)


def test_the_name_is_the_address_without_a_query(client: FinraClient, plain_simulator: Simulator) -> None:
    assert source(client).name == f"{plain_simulator.url}/data/group/otcMarket/name/weeklySummary"


@pytest.mark.parametrize("summary_type", ["ATS_W_SMBL_FIRM", "OTC_W_SMBL"])
def test_the_history_is_sifted_for_the_summary_type(client: FinraClient, summary_type: str) -> None:
    reading = source(client, Tier.T1, OLD_WEEK, summary_type=summary_type, historic=True).read()
    rows = rows_of(reading)
    assert len(rows) == reading.lines == market_rows(Tier.T1, summary_type, OLD_WEEK)
    assert {row["summaryTypeCode"] for row in rows} == {summary_type}
    numbers = [row[LINE_NUMBER] for row in rows]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] > len(numbers)


@pytest.mark.parametrize("empty_answer", EmptyAnswer)
def test_a_week_that_is_not_due_says_when_it_will_be(start: Start, empty_answer: EmptyAnswer) -> None:
    simulator, _ = start(empty_answer=empty_answer)
    with FinraClient(simulator.url) as client, pytest.raises(SourceError) as failed:
        source(client, week=dt.date(2026, 5, 15)).read()
    assert "none are due: FINRA publishes them on 2026-06-01 06:00 EDT; newest: 2026-04-24" in failed.value.message
    assert failed.value.context["tier"] == Tier.T1
    assert not failed.value.retryable


def test_a_week_that_is_due_and_missing_is_worth_waiting_for(start: Start) -> None:
    simulator, _ = start()
    late = NOW + dt.timedelta(days=7)  # by our clock another week is out
    with (
        FinraClient(simulator.url) as client,
        pytest.raises(SourceError, match="which were due on 2026-05-18") as failed,
    ):
        source(client, week=dt.date(2026, 5, 1), now=lambda: late).read()
    assert failed.value.retryable


def test_a_week_that_current_rows_lack_is_looked_for_in_the_history(start: Start) -> None:
    simulator, _ = start(weeks=60)
    simulator.faults.add(Fault(FaultKind.EMPTY_OK, match="POST /data/group/otcMarket/name/weeklySummary"))
    with FinraClient(simulator.url) as client:
        old = source(client, week=OLD_WEEK)
        reading = old.read()
        assert len(rows_of(reading)) == market_rows(Tier.T1, "ATS_W_SMBL_FIRM", OLD_WEEK)
    assert old.name.endswith("weeklySummaryHistoric")


@pytest.mark.parametrize(("week", "historic"), [(WEEK, None), (OLD_WEEK, False)], ids=["young", "forbidden"])
def test_the_history_is_not_asked_where_it_cannot_help(start: Start, week: dt.date, historic: bool | None) -> None:
    simulator, _ = start(weeks=60)
    simulator.faults.add(Fault(FaultKind.EMPTY_OK, match="name/weeklySummary"))
    with FinraClient(simulator.url) as client, pytest.raises(SourceError, match="has no ATS_W_SMBL_FIRM rows"):
        source(client, week=week, historic=historic).read()
    assert len(simulator.journal.entries) == 1


@pytest.mark.parametrize(
    "quirks", [{"header_style": HeaderStyle.CAPITALISED}, {"page_count_header": False}, {"gzip": True}]
)
def test_finras_variants_are_all_the_same_week(start: Start, quirks: dict[str, Any]) -> None:
    simulator, _ = start(**quirks)
    with FinraClient(simulator.url, tuning=SMALL) as client:
        assert len(rows_of(source(client).read())) == market_rows(Tier.T1, "ATS_W_SMBL_FIRM")


def test_pages_cut_by_their_bytes_are_all_the_week(start: Start) -> None:
    simulator, _ = start(payload_limit=1000)
    with FinraClient(simulator.url) as client:
        assert len(rows_of(source(client).read())) == market_rows(Tier.T1, "ATS_W_SMBL_FIRM")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.DUPLICATE_ROWS, after=2, rows=3),
        Fault(FaultKind.DRIFTING_TOTAL, after=2),
        Fault(FaultKind.WRONG_TOTAL),
        Fault(FaultKind.RATE_LIMITED, times=3),
        Fault(FaultKind.SERVER_ERROR, times=4, status=502),
        Fault(FaultKind.CUT_BODY, times=2),
    ],
    ids=lambda fault: str(fault.kind),
)
def test_what_passes_leaves_no_trace_in_the_rows(start: Start, fault: Fault) -> None:
    simulator, _ = start(faults=(fault,))
    with FinraClient(simulator.url, tuning=SMALL, sleep=Waits()) as client:
        rows = rows_of(source(client).read())
    assert simulator.faults.armed == ()
    assert len({tuple(row.values()) for row in rows}) == len(rows) == market_rows(Tier.T1, "ATS_W_SMBL_FIRM")


@pytest.mark.parametrize("kind", [FaultKind.DUPLICATE_ROWS, FaultKind.WRONG_TOTAL])
def test_what_does_not_pass_is_an_error(start: Start, kind: FaultKind) -> None:
    simulator, _ = start(faults=(Fault(kind, times=10**6),))
    with FinraClient(simulator.url, tuning=SMALL) as client, pytest.raises(SourceError, match="4 times in a row"):
        source(client).read()


def test_a_body_that_drips_is_given_up(start: Start) -> None:
    simulator, _ = start(faults=(Fault(FaultKind.SLOW_BODY, times=10, seconds=4.0),))
    tuning = Tuning(timeout=1.0, retry=RetryPolicy(attempts=2))
    client = FinraClient(simulator.url, tuning=tuning, sleep=Waits())
    with client, pytest.raises(DeadlineExceeded, match="took longer than 1 s"):
        source(client).read()


def test_without_a_key_where_one_is_needed_nothing_is_read(start: Start) -> None:
    simulator, _ = start(keyless=Keyless.NOWHERE)
    with FinraClient(simulator.url) as client, pytest.raises(PermissionDenied, match="Authentication is required"):
        source(client).read()


def test_only_rows_by_symbol_are_a_weekly_source(client: FinraClient) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'ATS_W_SMBL"):
        source(client, summary_type="ATS_W_FIRM")
    with pytest.raises(ValidationError, match="did you mean 2026-04-10"):
        source(client, week=dt.date(2026, 4, 9))


def test_a_sort_that_is_refused_is_done_without() -> None:
    def answer(asked: Asked) -> Reply:
        body = json.loads(asked.body)
        if "sortFields" in body:
            return Reply(b'{"message": "At most 3 sortFields are allowed"}', 400)
        rows = [{name: f"{name}{number}" for name in FIELDS} for number in range(body["offset"], body["offset"] + 1)]
        text = "|".join(FIELDS) + "\n" + "".join("|".join(row.values()) + "\n" for row in rows)
        return Reply(text.encode(), headers={"record-total": "3", "content-type": "text/plain"})

    with talking(answer, tuning=Tuning(page_rows=1)) as talk:
        assert len(rows_of(source(talk.client).read())) == 3


def test_another_refusal_is_not_taken_for_one_of_the_sort() -> None:
    refused = Reply(b'{"message": "Invalid field"}', 400)
    with talking(lambda asked: refused) as talk, pytest.raises(SourceError, match="Invalid field"):
        source(talk.client).read()
