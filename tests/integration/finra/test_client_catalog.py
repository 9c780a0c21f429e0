"""What FINRA tells about its datasets, and which weeks are out."""

from __future__ import annotations

import datetime as dt

import pytest

from spine.core.errors import ConfigurationError, PermissionDenied, SourceError
from spine.core.tiers import Tier
from spine.finra.client import Environment, FinraClient
from spine.finra.simulator import Keyless
from tests.integration.finra.conftest import Start
from tests.support.finra_api import talking
from tests.support.http_server import Asked, Reply, json_reply

pytestmark = pytest.mark.integration
NEWEST = {Tier.T1: dt.date(2026, 4, 24), Tier.T2: dt.date(2026, 4, 10), Tier.OTCE: dt.date(2026, 4, 10)}


@pytest.mark.parametrize("keyless", [Keyless.EVERYWHERE, Keyless.DATA], ids=["partitions", "download details"])
@pytest.mark.parametrize("tier", Tier)
def test_the_newest_weeks_come_first(start: Start, keyless: Keyless, tier: Tier) -> None:
    simulator, _ = start(keyless=keyless)
    with FinraClient(simulator.url) as client:
        weeks = client.newest_weeks(tier, "OTC_W_SMBL_FIRM")
    assert weeks == [NEWEST[tier] - dt.timedelta(weeks=back) for back in range(4)]


def test_partitions_metadata_and_downloads_are_read(start: Start) -> None:
    simulator, _ = start()
    with FinraClient(simulator.url) as client:
        partitions, metadata = client.partitions(), client.metadata()
        details = client.weekly_download_details("ATS_W_SMBL_FIRM", Tier.T1)
    assert partitions.fields == metadata.partition_fields == ("weekStartDate", "tierIdentifier")
    assert partitions.values[0] == ("2026-04-20", "T1")
    assert "totalWeeklyShareQuantity" in {field.name for field in metadata.fields}
    assert [row["weekStartDate"] for row in details] == ["2026-04-20", "2026-04-13", "2026-04-06", "2026-03-30"]


def test_ping_says_who_answered(start: Start) -> None:
    simulator, _ = start()
    with FinraClient(simulator.url) as client:
        assert client.ping().startswith(
            f"{simulator.url}/data/group/otcMarket/name/weeklySummary answers without a key: "
        )


def test_ping_fails_where_a_key_is_needed(start: Start) -> None:
    simulator, _ = start(keyless=Keyless.NOWHERE)
    with FinraClient(simulator.url) as client, pytest.raises(PermissionDenied, match="check login and password"):
        client.ping()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"partitionFields": ["a"]},
        {"partitionFields": ["a", "b"], "availablePartitions": [{"partitions": ["x"]}]},
        {"partitionFields": ["a"], "availablePartitions": [{}]},
        {"partitionFields": None, "availablePartitions": None},
    ],
)
def test_a_list_of_partitions_that_is_none_is_named(body: object) -> None:
    with talking(lambda asked: json_reply(body)) as talk, pytest.raises(SourceError, match="partitions"):
        talk.client.partitions()


@pytest.mark.parametrize("body", [{}, {"fields": None}, {"fields": ["x"]}])
def test_metadata_that_is_none_is_named(body: object) -> None:
    with talking(lambda asked: json_reply(body)) as talk, pytest.raises(SourceError, match="the fields of a dataset"):
        talk.client.metadata()


def test_partitions_that_name_no_weeks_are_an_error() -> None:
    body = {"partitionFields": ["tierIdentifier"], "availablePartitions": [{"partitions": ["T1"]}]}
    with talking(lambda asked: json_reply(body)) as talk, pytest.raises(SourceError, match="does not tell weeks"):
        talk.client.newest_weeks(Tier.T1)


def test_mock_datasets_bear_their_suffix_and_the_historic_one_has_none() -> None:
    def answer(asked: Asked) -> Reply:
        assert asked.path.endswith("Mock")
        return Reply(b"", 200)  # as some mock datasets say "no rows"

    with talking(answer, mock=True) as talk:
        assert talk.rows("weeklySummary") == []
        with pytest.raises(ConfigurationError, match="has no mock"):
            talk.client.url_of("weeklySummaryHistoric")


def test_environments_have_their_own_hosts() -> None:
    assert Environment.PRODUCTION.base_url == Environment.MOCK.base_url == "https://api.finra.org"
    assert Environment.QA.base_url == "https://api-int.qa.finra.org"
    assert Environment.QA.token_url == "https://ews-qaint.fip.qa.finra.org/fip/rest/ews/oauth2/access_token"
