"""Asynchronous requests: accepted, pending, complete with a link to the result, expired."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from spine.finra.simulator.clock import SimulatorClock
from spine.finra.simulator.messages import XML, Answer, Refusal, Request, json_answer
from spine.finra.simulator.query import Query

RESULT_PATH = "/_results/"
_LIFE_OF_REQUEST = dt.timedelta(hours=24)
_LIFE_OF_LINK = dt.timedelta(hours=2)
_TIMESTAMP = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(slots=True)
class _Pending:
    query: Query
    asked_at: dt.datetime
    polls_left: int
    dies_at: dt.datetime


class AsyncRequests:
    """
    :param polls: how often a status says "pending" before it says "complete".
    """

    def __init__(self, clock: SimulatorClock, polls: int) -> None:
        self._clock = clock
        self._polls = polls
        self._requests: dict[str, _Pending] = {}

    def accept(self, query: Query, request_id: str, path: str, base: str) -> Answer:
        """202 and where to ask how it goes; ``path`` is that of the request, ``base`` the start of links."""
        now = self._clock.now()
        self._requests[request_id] = _Pending(query, now, self._polls, now + _LIFE_OF_REQUEST)
        link = f"{base}{path.replace('/data/', '/async-requests/', 1)}/{request_id}"
        return json_answer(self._status(request_id, "pending", link), 202, (("Location", link),))

    def status(self, request_id: str, own_link: str, results_base: str) -> Answer:
        """
        :raises Refusal: 403 for mock datasets (as FINRA's do), 404 for an unknown request.
        """
        pending = self._known(request_id)
        if pending.query.dataset.mock:
            raise Refusal(403, "Forbidden")
        if pending.polls_left:
            pending.polls_left -= 1
            return json_answer(self._status(request_id, "pending", own_link), 202)
        pending.dies_at = min(self._clock.now() + _LIFE_OF_LINK, pending.asked_at + _LIFE_OF_REQUEST)
        complete = {
            "resultLink": f"{results_base}{RESULT_PATH}{request_id}?X-Amz-Signature=simulated",
            "expires": pending.dies_at.astimezone(dt.UTC).strftime(_TIMESTAMP),
        }
        return json_answer(self._status(request_id, "complete", own_link) | complete)

    def result(self, request: Request, request_id: str) -> Query | Answer:
        """The query whose rows the link leads to, or what S3 says instead: pre-signed links take no other credentials."""
        if "authorization" in request.headers:
            return _s3_error(400, "InvalidArgument", "Only one auth mechanism allowed")
        pending = self._requests.get(request_id)
        if pending is None or pending.polls_left or request.params.get("X-Amz-Signature") != "simulated":
            return _s3_error(403, "AccessDenied", "Access Denied")
        if pending.dies_at <= self._clock.now():
            return _s3_error(403, "AccessDenied", "Request has expired")
        return pending.query

    def _known(self, request_id: str) -> _Pending:
        if request_id not in self._requests:
            raise Refusal(404, f"No asynchronous request {request_id}")
        return self._requests[request_id]

    def _status(self, request_id: str, status: str, link: str) -> dict[str, object]:
        asked_at = self._requests[request_id].asked_at
        return {
            "requestId": request_id,
            "requestTimestamp": asked_at.astimezone(dt.UTC).strftime(_TIMESTAMP),
            "status": status,
            "checkStatusLink": link,
            "errorMessages": [],
        }


def _s3_error(status: int, code: str, message: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, XML, body.encode())
