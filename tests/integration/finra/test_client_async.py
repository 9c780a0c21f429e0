"""Pulls through FINRA's asynchronous jobs."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field

import pytest

from spine.core.errors import DeadlineExceeded, PermissionDenied, SourceError, TransientError
from spine.finra.async_jobs import AsyncJobs
from spine.finra.auth import FinraCredentials
from spine.finra.client import FinraClient
from spine.finra.pages import WireFormat
from spine.finra.query import Query, equal
from spine.finra.simulator import Fault, FaultKind
from spine.finra.tuning import Tuning
from tests.integration.finra.conftest import Start
from tests.support.finra_api import Paged, Waits, everything_logged, made_rows, talking
from tests.support.http_server import Asked, Reply, Server, json_reply

pytestmark = pytest.mark.integration
CREDENTIALS = FinraCredentials("simulator", "not-a-secret")
ROWS = made_rows(25)
FIELDS = ("symbol", "shares")


@dataclass
class Jobs:
    """Makes a job of each asynchronous request, pending so many polls, whose rows lie behind a signed link."""

    server: Server | None = None
    polls: int = 1
    status: Reply | None = None
    location: str = "https://elsewhere.example/async-requests/group/otcMarket/name/thresholdList/{}?x=1"
    rows: Paged = field(default_factory=lambda: Paged(ROWS))
    begun: list[Asked] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        if asked.path.startswith("/results/"):
            if "authorization" in asked.headers:
                return Reply(b"<Error>Only one auth mechanism allowed</Error>", 400)
            return self.rows(self.begun[int(name)])
        if asked.path.startswith("/async-requests/"):
            return self._status_of(name)
        if asked.path == "/token":
            return json_reply({"access_token": "t0ken-t0ken"})
        if not json.loads(asked.body).get("async"):
            return self.rows(asked)
        self.begun.append(asked)
        self.left[str(len(self.begun) - 1)] = self.polls
        return Reply(b"{}", 202, {"Location": self.location.format(len(self.begun) - 1)})

    def _status_of(self, name: str) -> Reply:
        assert self.server is not None
        if self.status:
            return self.status
        if self.left[name]:
            self.left[name] -= 1
            return Reply(b'{"status": "pending"}', 202, {"Content-Type": "application/json"})
        link = f"{self.server.url}/results/{name}?X-Amz-Signature=s1gned"
        return json_reply({"status": "complete", "resultLink": link, "errorMessages": []})


def test_parts_come_together_in_order() -> None:
    jobs = Jobs(rows=Paged(ROWS))
    with talking(jobs, credentials=CREDENTIALS) as talk:
        jobs.server = talk.server
        session = talk.client._session
        parts = AsyncJobs(session, part_rows=10, sleep=talk.waits)
        query = Query("thresholdList", fields=FIELDS)
        pages = list(parts.pages(query, 25, WireFormat.TEXT, talk.client._budget()))
        statuses = [asked for asked in talk.server.asked if asked.path.startswith("/async-requests/")]
    assert [row for page in pages for row in page.rows.to_pylist()] == ROWS
    assert [json.loads(asked.body)["offset"] for asked in jobs.begun] == [0, 10, 20]
    assert all(asked.headers["authorization"] == "Bearer t0ken-t0ken" for asked in statuses)


def test_a_job_is_asked_after_once_a_minute() -> None:
    jobs, waits, time = Jobs(polls=3), Waits(), [0.0]

    def sleep(seconds: float) -> None:
        waits(seconds)
        time[0] += seconds

    with talking(jobs) as talk:
        jobs.server = talk.server
        parts = AsyncJobs(talk.client._session, sleep=sleep, clock=lambda: time[0])
        [page] = parts.pages(Query("thresholdList"), 25, WireFormat.JSON, talk.client._budget())
    assert waits.seconds == [60.0, 60.0, 60.0, 60.0]
    assert len(page) == 25


def test_more_rows_than_pages_reach_become_jobs() -> None:
    jobs = Jobs()
    with talking(jobs, tuning=Tuning(async_above=20, poll_seconds=0)) as talk:
        jobs.server = talk.server
        assert talk.rows(fields=FIELDS, unique=True) == ROWS
    assert len(jobs.begun) == 1


def test_jobs_may_be_asked_for_and_forbidden() -> None:
    jobs = Jobs()
    with talking(jobs, tuning=Tuning(async_above=20, poll_seconds=0)) as talk:
        jobs.server = talk.server
        assert talk.rows(asynchronous=False) == ROWS
        assert jobs.begun == []
        assert talk.rows(asynchronous=True) == ROWS
        assert len(jobs.begun) == 1


def test_a_result_with_doubtful_quotes_is_asked_for_as_json() -> None:
    jobs = Jobs(rows=Paged([{"symbol": "A", "shares": '"1"'}]))
    with talking(jobs, tuning=Tuning(poll_seconds=0)) as talk:
        jobs.server = talk.server
        assert talk.rows(asynchronous=True) == [{"symbol": "A", "shares": "1"}]
    assert [asked.headers["accept"] for asked in jobs.begun] == ["text/plain", "application/json"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            json_reply({"status": "complete", "errorMessages": ["disk full"]}),
            "failed an asynchronous request.*disk full",
        ),
        (json_reply({"status": "FAILED"}), "failed an asynchronous request: failed"),
        (json_reply({"status": "complete"}), "a link to the result"),
        (json_reply({"status": "complete", "resultLink": "file:///etc/passwd"}), "a link to the result"),
    ],
)
def test_a_job_that_fails_is_an_error(status: Reply, words: str) -> None:
    jobs = Jobs(status=status)
    with talking(jobs, tuning=Tuning(poll_seconds=0)) as talk:
        jobs.server = talk.server
        talk.refused(SourceError, words, asynchronous=True)


def test_a_job_that_never_ends_is_given_up() -> None:
    jobs, time = Jobs(polls=10**9), [0.0]
    with talking(jobs) as talk:
        jobs.server = talk.server

        def sleep(seconds: float) -> None:
            time[0] += seconds

        parts = AsyncJobs(talk.client._session, sleep=sleep, clock=lambda: time[0], patience=600)
        with pytest.raises(DeadlineExceeded, match="within 600 s"):
            list(parts.pages(Query("thresholdList"), 25, WireFormat.JSON, talk.client._budget()))


def test_a_link_that_died_is_worth_another_run() -> None:
    jobs = Jobs()
    dead = json_reply({"status": "complete", "resultLink": "{}/gone?X-Amz-Signature=s1gned"})

    def answer(asked: Asked) -> Reply:
        if asked.path.startswith("/gone"):
            return Reply(b"<Error>Request has expired</Error>", 403, {"Content-Type": "application/xml"})
        if asked.path.startswith("/async-requests/"):
            assert jobs.server is not None
            return Reply(dead.body.replace(b"{}", jobs.server.url.encode()), headers=dead.headers)
        return jobs(asked)

    with talking(answer, tuning=Tuning(poll_seconds=0)) as talk:
        jobs.server = talk.server
        talk.refused(TransientError, "Its link lives two hours", asynchronous=True)


def test_signed_links_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    jobs = Jobs()
    with everything_logged(caplog), talking(jobs, tuning=Tuning(poll_seconds=0)) as talk:
        jobs.server = talk.server
        talk.rows(asynchronous=True)
    assert "/results/0" in caplog.text
    assert "s1gned" not in caplog.text


def test_more_rows_than_jobs_reach_are_refused() -> None:
    with talking(Paged(ROWS, total=lambda number, true: "600001")) as talk:
        talk.refused(SourceError, "600,001 rows of thresholdList match, FINRA gives out at most 600,000")


def test_without_a_total_there_are_no_jobs() -> None:
    with talking(Paged(ROWS, total=lambda number, true: "")) as talk:
        talk.refused(SourceError, "cannot be parted into jobs", asynchronous=True)


def test_the_simulators_week_is_the_same_through_jobs(start: Start) -> None:
    simulator, _ = start(async_polls=2)
    filters = (equal("weekStartDate", "2026-04-06"), equal("tierIdentifier", "T2"))
    tuning = Tuning(poll_seconds=0)
    with FinraClient(simulator.url, simulator.token_url, CREDENTIALS, tuning=tuning) as client:
        paged, jobs = (
            deque(
                row
                for batch in client.query("weeklySummary", filters=filters, asynchronous=way)
                for row in batch.to_pylist()
            )
            for way in (False, True)
        )
    assert sorted(paged, key=repr) == sorted(jobs, key=repr)
    assert len(paged) > 100


def test_a_broken_result_is_fetched_again(start: Start) -> None:
    simulator, _ = start()
    simulator.faults.add(Fault(FaultKind.CUT_BODY, match="/_results/"))
    simulator.faults.add(Fault(FaultKind.SERVER_ERROR, match="/async-requests/"))
    with FinraClient(
        simulator.url, simulator.token_url, CREDENTIALS, tuning=Tuning(poll_seconds=0), sleep=Waits()
    ) as client:
        filters = (equal("weekStartDate", "2026-04-06"), equal("tierIdentifier", "T2"))
        assert sum(batch.num_rows for batch in client.query("weeklySummary", filters=filters, asynchronous=True)) > 100


def test_mock_datasets_close_their_status(start: Start) -> None:
    simulator, _ = start()
    client = FinraClient(simulator.url, mock=True, tuning=Tuning(poll_seconds=0))
    with client, pytest.raises(PermissionDenied, match="403"):
        list(client.query("weeklySummary", asynchronous=True))
