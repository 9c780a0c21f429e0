"""What goes wrong on the way is tried again as long as that may help, and then named."""

from __future__ import annotations

import datetime as dt
import socket
from email.utils import format_datetime
from itertools import accumulate

import pytest

from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    DependencyError,
    PermissionDenied,
    RateLimitError,
    SourceError,
    TransientError,
    ValidationError,
)
from spine.core.retrying import RetryPolicy
from spine.finra.query import equal
from spine.finra.tuning import Tuning
from tests.support.finra_api import NOW, Paged, everything_logged, made_rows, talking, text_of
from tests.support.http_server import Reply, in_turn, json_reply

pytestmark = pytest.mark.integration
ROWS = made_rows(3)
GOOD = Reply(text_of(ROWS), headers={"Content-Type": "text/plain", "Record-Total": "3"})
PAGE = Reply(b"<!DOCTYPE html><h1>oops</h1>", headers={"Content-Type": "text/html"})
TWO_TRIES = Tuning(retry=RetryPolicy(attempts=2))


def refusal(status: int, **headers: str) -> Reply:
    return Reply(b'{"message": "no"}', status, {"Content-Type": "application/json", **headers})


def later(seconds: float) -> str:
    return format_datetime(NOW + dt.timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("said", "waited"),
    [
        ("7", 7.0),
        ("0", 1.0),
        (later(40), 40.0),
        (later(-40), 1.0),
        ("31536000", 120.0),
        (later(10**8), 120.0),
        ("soon", 1.0),
        ("-5", 1.0),
        ("", 1.0),
        ("Fri, 99 Foo 2026 00:00:00 GMT", 1.0),
    ],
)
def test_a_rate_limit_is_waited_out_as_asked_within_reason(said: str, waited: float) -> None:
    with talking(in_turn(refusal(429, **{"Retry-After": said}), GOOD)) as talk:
        assert talk.rows() == ROWS
        assert talk.waits.seconds == [waited]


def test_a_rate_limit_that_stays_says_when_to_come_back() -> None:
    with talking(in_turn(refusal(429, **{"Retry-After": "9"})), tuning=TWO_TRIES) as talk:
        error = talk.refused(RateLimitError, "429: no. FINRA asks to slow down")
    assert (error.retry_after, error.context["attempts"]) == (9.0, 2)


def test_a_rate_limit_without_a_time_counts_as_a_minute_for_the_caller() -> None:
    with talking(in_turn(refusal(429)), tuning=TWO_TRIES) as talk:
        assert talk.refused(RateLimitError, "429").retry_after == 60.0
        assert talk.waits.seconds == [1.0]


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 522, 530])
def test_a_server_error_is_tried_again(status: int) -> None:
    with talking(in_turn(Reply(PAGE.body, status, PAGE.headers), GOOD)) as talk:
        assert talk.rows() == ROWS


def test_a_storm_of_server_errors_ends_after_growing_waits() -> None:
    with talking(in_turn(Reply(PAGE.body, 503, PAGE.headers))) as talk:
        error = talk.refused(TransientError, "503: text/html, '<!DOCTYPE html><h1>oops</h1>'")
        assert talk.waits.seconds == [1.0, 2.0, 4.0, 8.0, 16.0]
        assert len(talk.server.asked) == error.context["attempts"] == 6
    assert error.retryable


def test_all_waiting_of_a_query_together_is_bounded() -> None:
    policy = RetryPolicy(attempts=100, total_seconds=20.0)
    with talking(in_turn(refusal(503)), tuning=Tuning(retry=policy)) as talk:
        talk.refused(TransientError, "503")
        assert list(accumulate(talk.waits.seconds)) == [1.0, 3.0, 7.0, 15.0]


def test_pages_share_what_may_be_waited() -> None:
    replies = [refusal(503) if number % 2 else None for number in range(200)]
    paged = Paged(made_rows(40))
    tuning = Tuning(page_rows=1, retry=RetryPolicy(total_seconds=10.0))
    with talking(lambda asked: replies.pop() or paged(asked), tuning=tuning) as talk:
        talk.refused(TransientError, "503")
        assert sum(talk.waits.seconds) <= 10.0


def test_an_error_inside_a_good_answer_is_an_error() -> None:
    with talking(in_turn(json_reply({"statusCode": 500, "message": "broken"}), GOOD)) as talk:
        assert talk.rows() == ROWS


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (301, SourceError, "Set the base URL to where it redirects"),
        (400, SourceError, "answered 400: no. Correct the names"),
        (401, PermissionDenied, "login and password of the connection"),
        (403, PermissionDenied, "not open to these credentials or this address"),
        (404, SourceError, "For the dataset: did you mean 'thresholdList'"),
        (406, SourceError, "406"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(status: int, kind: type[SourceError], words: str) -> None:
    body = b'{"statusCode": %d, "message": "no", "requestId": "r-1", "postRequest": {"x": 1}}' % status
    with talking(in_turn(Reply(body, status, {"Content-Type": "application/json"}))) as talk:
        error = talk.refused(kind, words)
        assert len(talk.server.asked) == 1
    assert (error.context["status"], error.context["request_id"], error.retryable) == (status, "r-1", False)


def test_the_request_id_also_comes_from_the_header() -> None:
    with talking(in_turn(refusal(400, **{"FINRA-api-request-id": "r-2"}))) as talk:
        assert talk.refused(SourceError, "400").context["request_id"] == "r-2"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (PAGE, "200 with text/html where rows was expected; it begins with '<!DOCTYPE html><h1>oops</h1>'"),
        (Reply(PAGE.body, headers={"Content-Type": "text/plain"}), "begins with '<!DOCTYPE"),
        (Reply(b"Service is resting", headers={"Content-Type": "text/plain"}), "a header line of field names"),
        (Reply(b"a,b,c\n1,2,3\n", headers={"Content-Type": "text/plain"}), "text delimited by"),
        (json_reply({"rows": []}), "a JSON array of objects"),
        (json_reply([1, 2]), "a JSON array of objects"),
        (Reply(b"[{]", headers={"Content-Type": "application/json"}), "begins with '\\[\\{\\]'"),
        (Reply(b'[{"a":1,"a":2}]', headers={"Content-Type": "application/json"}), "whose keys differ"),
        (Reply(b'[{"a":"\\ud800"}]', headers={"Content-Type": "application/json"}), "a JSON array of objects"),
        (Reply(b"\xff\xfe", headers={"Content-Type": "application/octet-stream"}), "application/octet-stream"),
    ],
)
def test_an_answer_that_is_no_rows_is_named(reply: Reply, words: str) -> None:
    with talking(in_turn(reply)) as talk:
        talk.refused(SourceError, words)


def test_a_column_that_does_not_come_is_named() -> None:
    with talking(in_turn(GOOD)) as talk:
        talk.refused(SourceError, "a header line with tier", fields=("symbol", "tier"))


def test_a_body_cut_off_is_tried_again() -> None:
    cut = Reply(GOOD.body[:-3], headers=GOOD.headers, announced=len(GOOD.body))
    with talking(in_turn(cut, GOOD)) as talk:
        assert talk.rows() == ROWS


def test_a_body_that_is_always_cut_off_is_an_error() -> None:
    cut = Reply(GOOD.body[:-3], headers=GOOD.headers, announced=len(GOOD.body))
    with talking(in_turn(cut), tuning=TWO_TRIES) as talk:
        talk.refused(DependencyError, "cannot be reached, or broke off: peer closed connection")


def test_a_damaged_body_is_tried_again() -> None:
    damaged = Reply(b"no gzip", headers={**GOOD.headers, "Content-Encoding": "gzip"})
    with talking(in_turn(damaged, GOOD)) as talk:
        assert talk.rows() == ROWS


def test_a_page_that_announces_another_number_of_rows_is_read_again() -> None:
    short = Reply(GOOD.body, headers={**GOOD.headers, "Total-Records-On-Page": "4"})
    listed = Reply(b'[{"symbol":"A","shares":1}]', headers={"Content-Type": "application/json", "Record-Total": "1"})
    with talking(in_turn(short, listed)) as talk:
        assert talk.rows() == [{"symbol": "A", "shares": "1"}]


def test_a_server_that_is_not_there_is_a_dependency() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with talking(in_turn(GOOD), base_url=f"http://127.0.0.1:{port}") as talk:
        error = talk.refused(DependencyError, "Check the network, the proxy and the base URL")
        assert error.context["attempts"] == 6


def test_a_server_that_never_answers_is_given_up() -> None:
    tuning = Tuning(timeout=0.2, retry=RetryPolicy(attempts=2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with talking(in_turn(GOOD), base_url=url, tuning=tuning) as talk:
            talk.refused(DeadlineExceeded, r"did not answer in time \(ReadTimeout; the timeout is 0.2 s\)")


@pytest.mark.parametrize("url", ["api.finra.org", "ftp://api.finra.org", "https://", "https://h/?a=b", "https://u:p@h"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as failed, talking(in_turn(GOOD), base_url=url):
        pass
    assert "u:p" not in str(failed.value)


@pytest.mark.parametrize("dataset", ["weekly summary", "../metadata", "weeklySummary?x", ""])
def test_a_dataset_name_cannot_leave_its_place(dataset: str) -> None:
    with talking(in_turn(GOOD)) as talk:
        talk.refused(ValidationError, "no dataset name", dataset)
        assert talk.server.asked == []


def test_a_failed_attempt_is_logged_without_what_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with everything_logged(caplog), talking(in_turn(refusal(503), GOOD)) as talk:
        assert talk.rows(filters=[equal("symbol", "S0001")]) == ROWS
    assert "attempt 1 at" in caplog.text
    assert "S0001" not in caplog.text
