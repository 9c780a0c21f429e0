"""One pass over all rows of a query: page by page, or through asynchronous jobs where there are too many."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spine.core.errors import SourceError
from spine.core.retrying import RetryBudget, Sleep
from spine.finra.async_jobs import AsyncJobs
from spine.finra.pages import Page, UnclearText, WireFormat, read_page
from spine.finra.paging import Pager
from spine.finra.query import Query
from spine.finra.session import Session

if TYPE_CHECKING:
    from spine.finra.tuning import Tuning


@dataclass(frozen=True, slots=True)
class Reading:
    """
    :param asynchronous: None lets the number of rows decide.
    """

    session: Session
    query: Query
    tuning: Tuning
    pager: Pager
    budget: Callable[[], RetryBudget]
    asynchronous: bool | None = None
    sleep: Sleep = time.sleep

    def pages(self) -> Iterator[Page]:
        """A pass from the beginning, with a retry budget of its own."""
        budget = self.budget()
        if self.asynchronous:
            yield from self._through_jobs(self.fetch(0, 1, budget).total, budget)
            return
        first = self.fetch(0, self.pager.page_rows, budget)
        too_many = (first.total or 0) > self.tuning.async_above
        if too_many and self.asynchronous is None:
            yield from self._through_jobs(first.total, budget)
        else:
            yield from self.pager.pages(lambda offset, limit: self.fetch(offset, limit, budget), first)

    def fetch(self, offset: int, limit: int, budget: RetryBudget) -> Page:
        """One page, as text if that leaves no doubt."""
        try:
            try:
                return self._fetch_as(self.wire, offset, limit, budget)
            except UnclearText:
                return self._fetch_as(WireFormat.JSON, offset, limit, budget)
        except BaseException:
            budget.cancel()  # the pull is lost: let no other thread wait to try again
            raise

    @property
    def wire(self) -> WireFormat:
        return WireFormat[self.tuning.rows_as.upper()]

    def _fetch_as(self, wire: WireFormat, offset: int, limit: int, budget: RetryBudget) -> Page:
        body = {**self.query.body(), **wire.options(), "offset": offset, "limit": limit}
        answer = self.session.ask(self.query.dataset, body, wire, budget)
        return read_page(answer, self.query.fields, self.session.transport.redact)

    def _through_jobs(self, total: int | None, budget: RetryBudget) -> Iterator[Page]:
        if total is None:
            raise SourceError("FINRA does not say how many rows match, so they cannot be parted into jobs; read pages")
        jobs = AsyncJobs(
            self.session, poll_seconds=self.tuning.poll_seconds, patience=self.tuning.patience, sleep=self.sleep
        )
        yield from jobs.pages(self.query, total, self.wire, budget)
