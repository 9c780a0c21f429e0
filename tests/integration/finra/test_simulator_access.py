"""Tokens, calls without a key, rate limits, the clock, async requests and the control endpoints."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from spine.core.tiers import Tier
from spine.core.weeks import NEW_YORK, newest_published, published_at, window
from spine.finra.simulator import Keyless
from spine.finra.simulator.gateway import cusip_check_digit
from tests.integration.finra.conftest import Start
from tests.support.finra import MARKET, NOW, WEEK, WEEKLY, Caller, partition

pytestmark = pytest.mark.integration

_PARTITIONS = "/partitions/group/otcMarket/name/weeklySummary"
_GATEWAY = "/otc/transparency/weekly"


def test_credentials_buy_a_token(call: Caller) -> None:
    answer = call.token()
    token = answer.json()
    assert answer.status_code == 200
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 43_170)
    assert call.post(partition(), authorization=f"Bearer {token['access_token']}").status_code == 200


def test_the_grant_type_may_come_in_a_form(call: Caller, start: Start) -> None:
    simulator, _ = start()
    options = simulator.options
    answer = httpx.post(
        simulator.token_url,
        data={"grant_type": "client_credentials"},
        auth=(options.client_id, options.client_secret),
    )
    assert answer.status_code == 200


def test_expires_in_may_be_text(start: Start) -> None:
    _, call = start(expires_in_as_text=True, token_seconds=90)
    assert call.token().json()["expires_in"] == "90"


def test_bad_token_requests_are_refused(call: Caller) -> None:
    assert call.token(secret="wrong").status_code == 401
    assert call.token(grant_type="password").status_code == 400
    assert call.http.post("/fip/rest/ews/oauth2/access_token?grant_type=client_credentials").status_code == 401


@pytest.mark.parametrize(
    ("keyless", "data", "partitions"), [("everywhere", 200, 200), ("data", 200, 403), ("nowhere", 401, 401)]
)
def test_calls_without_a_key(start: Start, keyless: str, data: int, partitions: int) -> None:
    _, call = start(keyless=Keyless(keyless))
    assert call.post(partition()).status_code == data
    assert call.get(_PARTITIONS).status_code == partitions
    assert call.get(_PARTITIONS, authorization=call.bearer()).status_code == 200


@pytest.mark.parametrize("authorization", ["Bearer unknown", "Basic c2ltdWxhdG9yOm5vdC1hLXNlY3JldA=="])
def test_a_bad_key_is_worse_than_none(call: Caller, authorization: str) -> None:
    assert call.post(partition(), authorization=authorization).status_code == 401


def test_a_token_expires_by_the_clock(start: Start) -> None:
    simulator, call = start(token_seconds=60)
    bearer = call.bearer()
    assert call.post(partition(), authorization=bearer).status_code == 200
    simulator.clock.advance(dt.timedelta(seconds=61))
    assert call.post(partition(), authorization=bearer).status_code == 401


def test_mock_credentials_see_mock_rows_only(start: Start) -> None:
    _, call = start(mock_credentials=True)
    bearer = call.bearer()
    assert call.post(partition(), authorization=bearer).status_code == 403
    assert call.post(partition(), path=f"{WEEKLY}Mock", authorization=bearer).status_code == 200


def test_too_many_requests_are_429(start: Start) -> None:
    _, call = start(requests_per_minute=2)
    answers = [call.post(partition()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60


def test_async_requests_have_a_limit_of_their_own(start: Start) -> None:
    _, call = start(async_per_minute=1)
    assert [call.post(partition(**{"async": True})).status_code for _ in range(2)] == [202, 429]
    assert call.post(partition()).status_code == 200


def test_async_goes_from_pending_to_a_link_to_expired(start: Start) -> None:
    simulator, call = start(async_polls=2)
    accepted = call.post(partition(limit=100_000) | {"async": True})
    link = accepted.headers["location"]
    assert (accepted.status_code, accepted.json()["checkStatusLink"]) == (202, link)
    polls = [call.get(link) for _ in range(3)]
    assert [(poll.status_code, poll.json()["status"]) for poll in polls] == [
        (202, "pending"),
        (202, "pending"),
        (200, "complete"),
    ]
    complete = polls[2].json()
    assert complete["expires"].endswith(" UTC")
    assert complete["errorMessages"] == []
    assert call.get(complete["resultLink"]).json() == call.rows(partition())
    assert call.get(complete["resultLink"], authorization=call.bearer()).status_code == 400
    simulator.clock.advance(dt.timedelta(hours=2, seconds=1))
    assert call.get(complete["resultLink"]).status_code == 403


def test_async_results_have_no_payload_limit(start: Start) -> None:
    _, call = start(payload_limit=10_000, async_polls=0)
    link = call.post(partition(limit=100_000) | {"async": True}).headers["location"]
    result = call.get(call.get(link).json()["resultLink"])
    assert len(result.json()) == int(call.post(partition()).headers["record-total"])


def test_a_result_cannot_be_fetched_before_it_is_there(start: Start) -> None:
    _, call = start()
    request_id = call.post(partition() | {"async": True}).json()["requestId"]
    assert call.get(f"/_results/{request_id}?X-Amz-Signature=simulated").status_code == 403


def test_async_mock_requests_fail_in_the_second_leg(call: Caller) -> None:
    accepted = call.post(partition() | {"async": True}, path=f"{WEEKLY}Mock")
    assert (accepted.status_code, call.get(accepted.headers["location"]).status_code) == (202, 403)


def test_an_unknown_async_request_is_404(call: Caller) -> None:
    assert call.get("/async-requests/group/otcMarket/name/weeklySummary/none").status_code == 404


def test_a_week_appears_when_it_is_published(start: Start) -> None:
    out = published_at(Tier.T2, WEEK + dt.timedelta(days=7))
    simulator, call = start(now=out - dt.timedelta(seconds=30))
    body = partition("T2", "2026-04-13")
    assert call.post(body).status_code == 204
    assert call.http.post("/_simulator/clock", json={"now": out.isoformat()}).status_code == 200
    assert call.post(body).status_code == 200
    assert simulator.clock.now() >= out


def test_a_restatement_appears_on_its_day(start: Start) -> None:
    restated = next(
        week
        for week in window(newest_published(Tier.T1, NOW), 200)
        if MARKET.restated(Tier.T1, week) and MARKET.restated_on(Tier.T1, week) < NOW.date()
    )
    day = MARKET.restated_on(Tier.T1, restated)
    _, call = start(weeks=40, now=dt.datetime.combine(day, dt.time(5, 50), NEW_YORK))
    body = partition("T1", str(restated - dt.timedelta(days=4)), limit=5000)
    before = call.post(body).json()
    call.http.post("/_simulator/clock", json={"advance_seconds": 1200})
    after = call.post(body).json()
    assert {row["lastUpdateDate"] for row in after} - {row["lastUpdateDate"] for row in before} == {str(day)}


def test_the_oldest_week_leaves_the_shelf_when_a_new_one_comes(start: Start) -> None:
    simulator, call = start(weeks=2)
    before = call.get(_PARTITIONS).json()["availablePartitions"]
    simulator.clock.advance(dt.timedelta(days=7))
    after = call.get(_PARTITIONS).json()["availablePartitions"]
    assert len(before) == len(after) == 6
    assert before[-1] not in after


def test_a_clock_that_cannot_be_read_is_refused(call: Caller) -> None:
    assert call.http.post("/_simulator/clock", json={"now": "noon"}).status_code == 400
    assert call.http.post("/_simulator/clock", json={"advance_seconds": "many"}).status_code == 400
    assert call.get("/_simulator/nothing").status_code == 404


def test_the_log_has_requests_and_no_secrets(start: Start) -> None:
    simulator, call = start(gateway_key="a-very-secret-key")
    bearer = call.bearer()
    call.post(partition(limit=3), authorization=bearer)
    call.get(f"{_GATEWAY}?tier=T1&weekEnding={WEEK}&api_key=a-very-secret-key")
    log = call.get("/_simulator/log")
    token, data, gateway = log.json()
    assert (token["authorization"], token["query"]) == ("basic", {"grant_type": "client_credentials"})
    assert (data["authorization"], data["rows"], data["query"]["limit"]) == ("bearer", 3, 3)
    assert gateway["query"] == {"tier": "T1", "weekEnding": str(WEEK)}
    for secret in (bearer.split()[1], simulator.options.client_secret, "a-very-secret-key"):
        assert secret not in log.text
    assert call.http.delete("/_simulator/log").json() == []


def test_the_gateway_serves_invented_bonds(call: Caller) -> None:
    path = f"{_GATEWAY}?tier=T1&weekEnding={WEEK}"
    bonds = call.get(path).json()["results"]
    assert bonds[0].keys() == {
        "cusip",
        "symbol",
        "issuerName",
        "totalVolume",
        "customerVolume",
        "tradeCount",
        "avgPrice",
    }
    assert len({bond["cusip"] for bond in bonds}) == len(bonds)
    assert all(bond["cusip"][8] == cusip_check_digit(bond["cusip"][:8]) for bond in bonds)
    assert all(0 < bond["customerVolume"] < bond["totalVolume"] for bond in bonds)
    assert call.get(path).json()["results"] == bonds


def test_check_digits_are_those_of_real_cusips() -> None:
    # Apple, Alphabet C and Oracle: the base alone, as printed in any prospectus.
    assert [cusip_check_digit(base) for base in ("03783310", "02079K10", "68389X10")] == ["0", "7", "5"]


def test_the_gateway_has_nothing_before_publication(call: Caller) -> None:
    assert call.get(f"{_GATEWAY}?tier=T2&weekEnding=2026-05-08").json() == {"results": []}


@pytest.mark.parametrize("query", ["tier=T9&weekEnding=2026-04-10", "tier=T1&weekEnding=2026-04-09", ""])
def test_the_gateway_refuses_what_it_cannot_read(call: Caller, query: str) -> None:
    assert call.get(f"{_GATEWAY}?{query}").status_code == 400


def test_the_gateway_may_want_a_key(start: Start) -> None:
    _, call = start(gateway_key="gateway")
    path = f"{_GATEWAY}?tier=T1&weekEnding={WEEK}"
    assert call.get(path).status_code == 401
    assert call.http.get(path, headers={"X-API-Key": "gateway"}).status_code == 200
    assert call.get(path, authorization="Bearer gateway").status_code == 200
