"""finra-py 1.3.1, written against FINRA's own servers, works against the simulator as it is.

Its addresses are constants and it checks the hosts of links, so nothing in it is changed: a proxy in the environment
plays FINRA's hosts and Amazon's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from finra.auth import client_from_new_token
from finra.client import Client
from finra.filters import Filter
from finra.utils import (
    extract_expires,
    extract_location,
    extract_record_total,
    extract_result_link,
    extract_status,
    extract_total_records_on_page,
)

from spine.core.tiers import Tier
from spine.finra.simulator import Simulator, SimulatorOptions, running_simulator
from spine.finra.simulator.options import Keyless
from spine.finra.synthetic import SyntheticMarket
from tests.support.https_front import https_front

pytestmark = pytest.mark.integration

_API, _IDENTITY = "api.finra.org", "ews.fip.finra.org"
_STORE = "5101-9919-3688-dapi.s3.amazonaws.com"
_MARKET = SyntheticMarket(symbols=dict.fromkeys(Tier, 20), venues=12)
_WEEK = dt.date(2026, 4, 10)
_MONDAY = dt.date(2026, 4, 6)
_OPTIONS = SimulatorOptions(
    market=_MARKET,
    weeks=60,
    now=dt.datetime(2026, 5, 15, 12, tzinfo=dt.UTC),
    keyless=Keyless.NOWHERE,
    expires_in_as_text=True,
    public_url=f"https://{_API}",
    results_url=f"https://{_STORE}",
)


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with running_simulator(_OPTIONS) as simulator:
        port = urlsplit(simulator.url).port
        assert port is not None
        with https_front(port, (_API, _IDENTITY, _STORE), tmp_path) as environment:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
                monkeypatch.delenv(name.lower(), raising=False)
            yield simulator


@pytest.fixture
def client(simulator: Simulator, tmp_path: Path) -> Iterator[Client]:
    options = simulator.options
    client = client_from_new_token(options.client_id, options.client_secret, tmp_path / "token.json")
    assert isinstance(client, Client)
    with client:
        yield client


def _partition() -> Filter:
    fields = Client.WeeklySummary
    return (
        Filter(fields)
        .add_compare(fields.WEEK_START_DATE, _MONDAY)
        .add_compare(fields.TIER_IDENTIFIER, "T1")
        .add_compare(fields.SUMMARY_TYPE_CODE, "ATS_W_SMBL")
    )


def _symbols() -> list[str]:
    symbols: list[str] = _MARKET.week(Tier.T1, _WEEK, summary_type="ATS_W_SMBL")["issueSymbolIdentifier"].to_pylist()
    return symbols


def test_it_gets_a_token(client: Client, simulator: Simulator) -> None:
    assert 43_000 < client.token_expires_in <= 43_170
    assert [(entry.status, entry.authorization) for entry in simulator.journal.entries] == [(200, "basic")]


def test_it_gets_rows_by_filters_sorted(client: Client) -> None:
    fields = Client.WeeklySummary
    response = client.get_weekly_summary(
        fields=[fields.SYMBOL, fields.TOTAL_VOLUME], filters=_partition(), sort_fields=[(-1, fields.SYMBOL)], limit=500
    )
    rows = response.json()
    assert [row["issueSymbolIdentifier"] for row in rows] == _symbols()[::-1]
    assert rows[0].keys() == {"issueSymbolIdentifier", "totalWeeklyShareQuantity"}
    assert extract_record_total(response) == extract_total_records_on_page(response) == len(rows)


def test_it_combines_ranges_and_lists(client: Client) -> None:
    fields = Client.WeeklySummary
    filters = (
        Filter(fields)
        .add_date_range(fields.WEEK_START_DATE, _MONDAY - dt.timedelta(days=7), _MONDAY)
        .add_domain(fields.TIER_IDENTIFIER, ["T1", "OTCE"])
        .add_compare(fields.SYMBOL, _symbols()[0])
        .add_compare(fields.TOTAL_TRADES, 1, Filter.CompareType.GTE)
    )
    rows = client.get_weekly_summary(filters=filters).json()
    assert {row["weekStartDate"] for row in rows} == {"2026-03-30", "2026-04-06"}
    assert {row["issueSymbolIdentifier"] for row in rows} == {_symbols()[0]}


def test_it_lists_partitions_metadata_and_datasets(client: Client) -> None:
    partitions = client.get_weekly_summary(endpoint=Client.Endpoint.PARTITIONS).json()
    assert partitions["availablePartitions"][0] == {"partitions": ["2026-04-20", "T1"]}
    metadata = client.get_weekly_summary(endpoint=Client.Endpoint.METADATA).json()
    known = {field.value for field in Client.WeeklySummary if not field.value.startswith("historical")}
    assert {field["name"] for field in metadata["fields"]} == known
    assert "weeklySummary" in {each["name"] for each in client.get_datasets(Client.Group.EQUITY).json()}


def test_it_fetches_asynchronously(client: Client) -> None:
    accepted = client.get_weekly_summary(filters=_partition(), limit=100_000, async_request=True)
    link = extract_location(accepted)
    assert accepted.status_code == 202
    assert link is not None
    assert extract_status(client.get_async_request_status(link)) == "pending"
    complete = client.get_async_request_status(link)
    result_link = extract_result_link(complete)
    assert (extract_status(complete), bool(extract_expires(complete))) == ("complete", True)
    assert result_link is not None
    assert sorted(row["issueSymbolIdentifier"] for row in client.get_async_result(result_link).json()) == _symbols()


def test_it_asks_the_history_by_week_and_by_month(client: Client) -> None:
    wednesday = dt.date(2025, 4, 9)
    by_week = client.get_weekly_summary_historic(historical_week=wednesday, tier_identifier="T1", limit=10).json()
    assert {(row["weekStartDate"], row["historicalweek"]) for row in by_week} == {("2025-04-07", "2025-04-09")}
    by_month = client.get_weekly_summary_historic(historical_month=wednesday, limit=5000).json()
    assert {row["weekStartDate"] for row in by_month} == {f"2025-04-{day:02d}" for day in (7, 14, 21, 28)}


def test_it_renews_its_token(client: Client, simulator: Simulator) -> None:
    simulator.clock.advance(dt.timedelta(hours=13))
    assert client.get_weekly_summary(filters=_partition()).status_code == 401
    client.refresh_token()
    assert client.get_weekly_summary(filters=_partition()).status_code == 200
