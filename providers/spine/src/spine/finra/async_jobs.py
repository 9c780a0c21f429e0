"""Large pulls as jobs that FINRA works off: 100,000 rows each, asked after once a minute, fetched from a signed link."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from spine.core.errors import DeadlineExceeded, PermissionDenied, SourceError, TransientError
from spine.core.retrying import RetryBudget
from spine.finra.answers import Answer, unusable
from spine.finra.pages import Page, UnclearText, WireFormat, read_page
from spine.finra.paging import FARTHEST_OFFSET
from spine.finra.query import Query
from spine.finra.session import Session
from spine.finra.transport import Call

PART_ROWS = 100_000
MAX_RESULT_BYTES = 512 * 1024 * 1024
_FAILED = {"failed", "failure", "error", "expired", "cancelled"}


@dataclass(slots=True)
class _Job:
    """One part, and when it was last asked after."""

    offset: int
    wire: WireFormat
    status_url: str
    asked_at: float


@dataclass(frozen=True, slots=True)
class AsyncJobs:
    """
    :param poll_seconds: between two questions after one job; FINRA wants a minute.
    :param patience: seconds until a job that is not done is given up.
    """

    session: Session
    part_rows: int = PART_ROWS
    poll_seconds: float = 60.0
    patience: float = 3600.0
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def pages(self, query: Query, total: int, wire: WireFormat, budget: RetryBudget) -> Iterator[Page]:
        """All rows in order, one page per job. All jobs begin at once; a job's rows are held only while its turn lasts.

        :raises SourceError: a job failed, or there are more rows than FINRA lets anyone reach.
        """
        farthest = FARTHEST_OFFSET + self.part_rows
        if total > farthest:
            raise SourceError(
                f"{total:,} rows of {query.dataset} match, FINRA gives out at most {farthest:,} for one set of filters; "
                "narrow them",
                context={"dataset": query.dataset},
            )
        jobs = [self._begin(query, offset, wire, budget) for offset in range(0, total, self.part_rows)]
        for job in jobs:
            try:
                page = read_page(self._result(job, budget), query.fields, self.session.transport.redact)
            except UnclearText:
                again = self._begin(query, job.offset, WireFormat.JSON, budget)
                page = read_page(self._result(again, budget), query.fields, self.session.transport.redact)
            yield Page(page.rows, total, page.body)

    def _begin(self, query: Query, offset: int, wire: WireFormat, budget: RetryBudget) -> _Job:
        body = {**query.body(), **wire.options(), "offset": offset, "limit": self.part_rows}
        answer = self.session.ask_async(query.dataset, body, wire, budget)
        location = answer.headers.get("location") or str(answer.json_object().get("checkStatusLink") or "")
        if answer.status != 202 or not location:
            raise unusable(answer, "202 and the place of the job", self.session.transport.redact)
        # The path alone: the token must reach no other host than the one it is for.
        parts = urlsplit(location)
        root = urlsplit(self.session.base_url)
        query_text = f"?{parts.query}" if parts.query else ""
        url = f"{root.scheme}://{root.netloc}/{parts.path.lstrip('/')}{query_text}"
        return _Job(offset, wire, url, self.clock())

    def _result(self, job: _Job, budget: RetryBudget) -> Answer:
        link = self._wait_for_link(job, budget)
        call = Call("GET", link, {"Accept": job.wire}, max_bytes=MAX_RESULT_BYTES)  # signed: credentials would spoil it
        try:
            return self.session.transport.send(call, budget)
        except (PermissionDenied, SourceError) as error:
            raise TransientError(
                f"the result of an asynchronous request cannot be fetched: {error.message}. "
                "Its link lives two hours; run the query again",
                context=error.context,
            ) from error

    def _wait_for_link(self, job: _Job, budget: RetryBudget) -> str:
        give_up = self.clock() + self.patience
        while self.clock() < give_up:
            self.sleep(max(0.0, job.asked_at + self.poll_seconds - self.clock()))
            answer = self.session.read(job.status_url, budget)
            job.asked_at = self.clock()
            if link := self._link(answer):
                return link
        raise DeadlineExceeded(
            f"FINRA did not finish an asynchronous request within {self.patience:g} s. Try again, or narrow the filters"
        )

    def _link(self, answer: Answer) -> str | None:
        """Where the result lies, None while FINRA works."""
        redact = self.session.transport.redact
        said = answer.json_object()
        status = str(said.get("status", "")).lower()
        if said.get("errorMessages") or status in _FAILED:
            told = redact(str(said.get("errorMessages") or status))[:1000]
            raise SourceError(
                f"FINRA failed an asynchronous request: {told}. Run it again, or narrow the filters",
                context={"request_id": answer.request_id()},
            )
        if answer.status != 200 or status != "complete":
            return None
        link = said.get("resultLink")
        secure = urlsplit(self.session.base_url).scheme == "https"
        if not isinstance(link, str) or urlsplit(link).scheme not in (("https",) if secure else ("https", "http")):
            raise unusable(answer, "a link to the result", redact)
        return link
