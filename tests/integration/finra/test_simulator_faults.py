"""Each fault does what it says, as often as it says, and is gone."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from spine.core.errors import ValidationError
from spine.finra.simulator import Fault, FaultKind, RetryAfter
from tests.integration.finra.conftest import Start
from tests.support.finra import WEEKLY, Caller, partition

pytestmark = pytest.mark.integration


def _keys(rows: list[dict[str, Any]]) -> list[str]:
    return [str(row) for row in rows]


@pytest.mark.parametrize("kind", FaultKind)
def test_every_fault_goes_away(start: Start, kind: FaultKind) -> None:
    simulator, call = start(faults=(Fault(kind, seconds=0.01),))
    bearer = call.bearer() if kind is FaultKind.TOKEN_REVOKED else None
    if bearer is None and kind not in (FaultKind.DUPLICATE_ROWS, FaultKind.DRIFTING_TOTAL, FaultKind.WRONG_TOTAL):
        simulator.faults.clear()
        simulator.faults.add(Fault(kind, seconds=0.01, match="/data/"))
    headers = {"authorization": bearer} if bearer else {}
    good = None
    for _ in range(3):
        try:
            good = call.post(partition(offset=5, limit=10), **headers)
        except httpx.RemoteProtocolError:
            assert kind is FaultKind.CUT_BODY
    assert simulator.faults.armed == ()
    assert good is not None
    if kind is FaultKind.TOKEN_REVOKED:
        assert call.post(partition(), authorization=call.bearer()).status_code == 200
    else:
        assert (good.status_code, len(good.json())) == (200, 10)


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        (RetryAfter.SECONDS, "7"),
        (RetryAfter.ABSURD, "31536000"),
        (RetryAfter.NONSENSE, "soon"),
        (RetryAfter.NONE, None),
    ],
)
def test_429_says_when_to_come_back(start: Start, retry_after: RetryAfter, expected: str | None) -> None:
    _, call = start(faults=(Fault(FaultKind.RATE_LIMITED, retry_after=retry_after, seconds=7),))
    refused = call.post(partition())
    assert (refused.status_code, refused.headers.get("retry-after")) == (429, expected)
    assert refused.json()["statusCode"] == 429


def test_429_may_name_a_date(start: Start) -> None:
    _, call = start(faults=(Fault(FaultKind.RATE_LIMITED, retry_after=RetryAfter.DATE, seconds=60),))
    refused = call.post(partition())
    wait = parsedate_to_datetime(refused.headers["retry-after"]) - parsedate_to_datetime(refused.headers["date"])
    assert 55 <= wait.total_seconds() <= 65


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_storm_of_server_errors(start: Start, status: int) -> None:
    simulator, call = start(faults=(Fault(FaultKind.SERVER_ERROR, times=3, status=status),))
    answers = [call.post(partition()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [status, status, status, 200]
    assert answers[0].headers["content-type"] == "text/html"
    assert "cloudflare" in answers[0].text
    assert [entry.fault for entry in simulator.journal.entries] == ["server_error"] * 3 + [None]


def test_a_slow_body_is_complete(start: Start) -> None:
    _, call = start(faults=(Fault(FaultKind.SLOW_BODY, seconds=0.05),))
    assert call.post(partition()).content == call.post(partition()).content


def test_a_cut_body_is_shorter_than_announced(start: Start) -> None:
    _, call = start(faults=(Fault(FaultKind.CUT_BODY),))
    received = b""
    with call.http.stream("POST", WEEKLY, json=partition()) as page:
        announced = int(page.headers["content-length"])
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            for piece in page.iter_raw():
                received += piece
    assert 0 < len(received) < announced


def test_html_with_200(start: Start) -> None:
    _, call = start(faults=(Fault(FaultKind.HTML_OK),))
    page = call.post(partition())
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html")


def test_nothing_with_200(start: Start) -> None:
    _, call = start(faults=(Fault(FaultKind.EMPTY_OK),))
    page = call.post(partition())
    assert (page.status_code, page.content, page.headers.get("record-total")) == (200, b"", None)


def test_a_total_can_be_wrong(start: Start) -> None:
    _, call = start(faults=(Fault(FaultKind.WRONG_TOTAL, rows=-2),))
    wrong, right = (call.post(partition(limit=10)) for _ in range(2))
    assert int(wrong.headers["record-total"]) == int(right.headers["record-total"]) - 2
    assert wrong.content == right.content


def test_rows_can_come_twice_while_others_are_missed(start: Start) -> None:
    simulator, call = start()
    whole = call.rows(partition(limit=50))
    simulator.faults.add(Fault(FaultKind.DUPLICATE_ROWS, rows=2))
    bent = call.rows(partition(limit=50))
    assert len(bent) == len(whole)
    assert bent[48:52] == whole[48:50] * 2
    assert set(_keys(whole)) - set(_keys(bent)) == set(_keys(whole[98:100]))


def test_pages_can_drift_while_the_total_grows(start: Start) -> None:
    simulator, call = start()
    whole = call.rows(partition(limit=50))
    simulator.faults.add(Fault(FaultKind.DRIFTING_TOTAL, times=1000))
    pages = list(call.pages(partition(limit=50)))
    assert [int(page.headers["record-total"]) - len(whole) for page in pages][:3] == [0, 1, 1]
    assert pages[1].json()[0] == pages[0].json()[-1]


def test_faults_of_rows_leave_the_first_page_alone(start: Start) -> None:
    simulator, call = start(faults=(Fault(FaultKind.DUPLICATE_ROWS),))
    call.post(partition())
    assert len(simulator.faults.armed) == 1


def test_a_revoked_token_stays_revoked(start: Start) -> None:
    simulator, call = start()
    bearer = call.bearer()
    simulator.faults.add(Fault(FaultKind.TOKEN_REVOKED))
    assert [call.post(partition(), authorization=bearer).status_code for _ in range(2)] == [401, 401]
    assert call.post(partition(), authorization=call.bearer()).status_code == 200


def test_a_fault_waits_for_its_request(start: Start) -> None:
    _, call = start(faults=(Fault(FaultKind.SERVER_ERROR, match="GET /partitions", after=1),))
    path = "/partitions/group/otcMarket/name/weeklySummary"
    assert [call.post(partition()).status_code, *(call.get(path).status_code for _ in range(3))] == [200, 200, 503, 200]


def test_faults_are_armed_over_http(start: Start) -> None:
    _, call = start()
    faults = [{"kind": "server_error", "times": 2, "status": 504}, {"kind": "html_ok"}]
    armed = call.http.post("/_simulator/faults", json=faults).json()
    assert [(fault["kind"], fault["times"]) for fault in armed] == [("server_error", 2), ("html_ok", 1)]
    assert call.get("/_simulator/faults").json() == armed
    assert call.post(partition()).status_code == 504
    assert call.http.delete("/_simulator/faults").json() == []
    assert call.post(partition()).status_code == 200


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "rate_limitd"}, "rate_limited"),
        ({"kind": "html_ok", "time": 2}, "times"),
        ({"kind": "html_ok", "times": "often"}, "often"),
        ({}, "unknown kind"),
        (3, "neither"),
    ],
)
def test_a_fault_that_is_none_is_refused(call: Caller, fault: Any, said: str) -> None:
    refused = call.http.post("/_simulator/faults", json=fault)
    assert refused.status_code == 400
    assert said in refused.json()["message"]


def test_faults_can_be_written_on_a_command_line() -> None:
    fault = Fault.parse("rate_limited,times=3,retry_after=date,seconds=2.5,match=/data/")
    assert fault == Fault(FaultKind.RATE_LIMITED, 3, "/data/", retry_after=RetryAfter.DATE, seconds=2.5)
    with pytest.raises(ValidationError, match="did you mean 'status'"):
        Fault.parse("server_error,statuss=502")
