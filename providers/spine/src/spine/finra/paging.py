"""All rows of a query through pages that are short, may shift, and must add up.

A page ends at its row limit or at 3 MB, so the next offset is what was received, and only FINRA's record total tells the
end. Rows without a sort come in any order, which may change from page to page: whatever does not add up starts again.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from spine.core.errors import SourceError
from spine.finra.pages import Page
from spine.finra.spool import Spool

PAGE_ROWS = 5000
FARTHEST_OFFSET = 500_000
SYNC_ROWS = FARTHEST_OFFSET + PAGE_ROWS
_log = logging.getLogger(__name__)

Fetch = Callable[[int, int], Page]  # offset, limit


class Drifted(Exception):
    """The rows changed while they were read; the message says how it shows."""


@dataclass(frozen=True, slots=True)
class Pager:
    """
    :param concurrency: pages in flight, once the total is known.
    :param restarts: how often a pull begins again because the rows changed under it.
    """

    page_rows: int = PAGE_ROWS
    concurrency: int = 4
    restarts: int = 3

    def pull(self, read_all: Callable[[], Iterator[Page]], *, unique: bool, what: str) -> Spool:
        """Every row once.

        :param read_all: begins a pass over all pages.
        :param unique: whether no row may come twice; only where its columns tell the rows apart.
        :raises SourceError: the rows never held still.
        """
        for attempt in range(1, self.restarts + 2):
            spool = Spool()
            try:
                _fill(spool, read_all(), unique)
                return spool
            except Drifted as drift:
                spool.close()
                reason = str(drift)
                _log.warning("%s changed while it was read (%s), attempt %d", what, reason, attempt)
            except BaseException:
                spool.close()
                raise
        raise SourceError(
            f"{what} changed while it was read, {self.restarts + 1} times in a row; the last time {reason}. "
            "FINRA may be publishing just now: try again later",
            retryable=True,
        )

    def pages(self, fetch: Fetch, first: Page) -> Iterator[Page]:
        """The first page, and all after it, in order."""
        yield first
        if first.total is None:
            yield from self._until_empty(fetch, len(first))
            return
        if first.total > SYNC_ROWS:
            raise SourceError(
                f"{first.total:,} rows match, pages reach {SYNC_ROWS:,}; narrow the filters, or allow jobs"
            )
        # A first page cut by its bytes tells how many rows the others may hold.
        step = len(first) or self.page_rows
        starts = range(len(first), first.total, step)
        ranges = [(start, min(start + step, first.total)) for start in starts]
        if ranges:
            yield from self._side_by_side(fetch, ranges, first.total)

    def _until_empty(self, fetch: Fetch, offset: int) -> Iterator[Page]:
        """Without a total only an empty page tells the end."""
        page_rows = offset
        while page_rows:
            if offset > FARTHEST_OFFSET:
                raise SourceError(f"more than {SYNC_ROWS:,} rows, and FINRA does not say how many; narrow the filters")
            page = fetch(offset, self.page_rows)
            yield page
            page_rows = len(page)
            offset += page_rows

    def _side_by_side(self, fetch: Fetch, ranges: list[tuple[int, int]], total: int) -> Iterator[Page]:
        """Ranges in order, a few of them read at the same time; never more are held."""
        left = iter(ranges)
        executor = ThreadPoolExecutor(self.concurrency, thread_name_prefix="finra")

        def submit(count: int) -> Iterator[Future[list[Page]]]:
            return (executor.submit(_range, fetch, *each, self.page_rows, total) for each in islice(left, count))

        try:
            reading = deque(submit(self.concurrency))
            while reading:
                pages = reading.popleft().result()
                reading.extend(submit(1))
                yield from pages
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _range(fetch: Fetch, start: int, end: int, page_rows: int, total: int) -> list[Page]:
    """The rows from ``start`` up to ``end``, in as many pages as FINRA makes of them."""
    pages, offset = [], start
    while offset < end:
        page = fetch(offset, min(page_rows, end - offset))
        if page.total not in (None, total):
            raise Drifted(f"the total went from {total} to {page.total}")
        if not 0 < len(page) <= end - offset:
            raise Drifted(f"{len(page)} rows came at offset {offset}, up to {end - offset} were expected")
        pages.append(page)
        offset += len(page)
    return pages


def _fill(spool: Spool, pages: Iterator[Page], unique: bool) -> None:
    announced: int | None = None
    for page in pages:
        announced = page.total if announced is None else announced
        spool.add(page)
    if announced is not None and spool.rows != announced:
        raise Drifted(f"{announced} rows were announced and {spool.rows} came")
    if unique and (repeated := spool.repeated_rows()):
        raise Drifted(f"{repeated} rows came twice; pass unique=False where that is no fault")
