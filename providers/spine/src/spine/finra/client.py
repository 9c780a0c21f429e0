"""FINRA's Query API: keyless, or with the client id and secret of an API console account.

Sources: developer.finra.org (post-data, api-request-types, platform-usage-limits) and recorded traffic.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from spine.core.errors import PermissionDenied
from spine.core.retrying import Random, RetryBudget, Sleep
from spine.core.tiers import Tier
from spine.finra.auth import FinraCredentials, TokenSource
from spine.finra.catalog import Metadata, Partitions, week_endings
from spine.finra.limits import Limiters
from spine.finra.query import Filter, Query, equal
from spine.finra.session import Session
from spine.finra.transport import Transport
from spine.finra.tuning import Tuning

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.finra.spool import Spool

WEEKLY = "weeklySummary"
DOWNLOAD_DETAILS = "weeklyDownloadDetails"


class Environment(StrEnum):
    """Which FINRA is asked. QA is for firms with a paid subscription; MOCK is invented rows on the production host."""

    PRODUCTION = "production"
    QA = "qa"
    MOCK = "mock"

    @property
    def base_url(self) -> str:
        return "https://api-int.qa.finra.org" if self is Environment.QA else "https://api.finra.org"

    @property
    def token_url(self) -> str:
        host = "ews-qaint.fip.qa.finra.org" if self is Environment.QA else "ews.fip.finra.org"
        return f"https://{host}/fip/rest/ews/oauth2/access_token"


class FinraClient:
    """Thread-safe; close it when done, or use it in a ``with``.

    :param mock: ask the mock twin of each dataset.
    :param limits_folder: where processes of this machine share the request limits; None keeps them to this process.
    :param on_token: told each access token, so that a log may mask it.
    :param sleep, jitter, now: time and chance, for tests.
    """

    def __init__(
        self,
        base_url: str = Environment.PRODUCTION.base_url,
        token_url: str = Environment.PRODUCTION.token_url,
        credentials: FinraCredentials | None = None,
        group: str = "otcMarket",
        *,
        mock: bool = False,
        tuning: Tuning | None = None,
        limits_folder: Path | None = None,
        on_token: Callable[[str], None] | None = None,
        sleep: Sleep | None = None,
        jitter: Random = random.random,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self.mock = mock
        self._tuning = tuning or Tuning()
        self._credentials = credentials
        self._sleep = sleep
        self._jitter = jitter
        transport = Transport(
            timeout=self._tuning.timeout,
            max_connections=self._tuning.concurrency + 1,
            longest_asked=self._tuning.retry.longest_asked,
            now=now,
        )
        self._session = Session(
            transport,
            base_url,
            group,
            mock=mock,
            tokens=TokenSource(transport, token_url, credentials, on_token=on_token) if credentials else None,
            account=credentials.client_id if credentials else "",
            limiters=Limiters(limits_folder, sleep=sleep or time.sleep),
            limits=(self._tuning.sync_limit, self._tuning.async_limit),
        )

    def __repr__(self) -> str:
        return f"FinraClient({self._session.base_url!r}, {self._who()})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._session.transport.close()

    @property
    def dependency(self) -> str:
        """What a guard before it is called."""
        return f"finra:{urlsplit(self._session.base_url).netloc}"

    @property
    def breaker(self) -> Mapping[str, Any]:
        return self._tuning.breaker

    def url_of(self, dataset: str) -> str:
        return self._session.url("data", dataset)

    def query(
        self,
        dataset: str,
        *,
        filters: Sequence[Filter] = (),
        fields: Sequence[str] | None = None,
        sort: Sequence[str] | None = None,
        unique: bool | None = None,
        asynchronous: bool | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """All rows as text columns, null as the empty string; the first comes when the last has arrived and all add up.

        :param unique, asynchronous: see ``pull``.
        :raises SpineError: see ``pull``.
        """
        question = Query(dataset, tuple(filters), None if fields is None else tuple(fields), tuple(sort or ()))
        with self.pull(question, unique=unique, asynchronous=asynchronous) as spool:
            yield from spool.batches()

    def pull(self, query: Query, *, unique: bool | None = None, asynchronous: bool | None = None) -> Spool:
        """All rows of a query, complete and counted; close the spool when done.

        :param unique: no row may come twice; by default held to where all fields are asked for.
        :param asynchronous: through jobs of FINRA's; by default only for what pages cannot reach.
        :raises SourceError: FINRA refused the query, answered something else, or its rows never held still.
        :raises SpineError: see answers.error_of and Transport.
        """
        from spine.finra.paging import Pager
        from spine.finra.reading import Reading

        tuning = self._tuning
        pager = Pager(tuning.page_rows, tuning.concurrency, tuning.restarts)
        reading = Reading(self._session, query, tuning, pager, self._budget, asynchronous, self._sleep or time.sleep)
        must_differ = query.fields is None if unique is None else unique
        return pager.pull(reading.pages, unique=must_differ, what=self.url_of(query.dataset))

    def partitions(self, dataset: str = WEEKLY) -> Partitions:
        """:raises PermissionDenied: some accounts, and perhaps nobody without a key, may not see them."""
        answer = self._session.read(self._session.url("partitions", dataset), self._budget())
        return Partitions.read(answer, self._session.transport.redact)

    def metadata(self, dataset: str = WEEKLY) -> Metadata:
        answer = self._session.read(self._session.url("metadata", dataset), self._budget())
        return Metadata.read(answer, self._session.transport.redact)

    def weekly_download_details(self, summary_type: str, tier: Tier) -> list[dict[str, str]]:
        """The rows behind the website's list of published weeks, newest first."""
        filters = (equal("summaryTypeCode", summary_type), equal("tierIdentifier", tier))
        batches = self.query(DOWNLOAD_DETAILS, filters=filters, sort=("-weekStartDate",), unique=False)
        return [row for batch in batches for row in batch.to_pylist()]

    def newest_weeks(self, tier: Tier, summary_type: str = "ATS_W_SMBL_FIRM") -> list[dt.date]:
        """Published weeks by their Friday, newest first: from the partitions, or where those are closed to us, from the
        download details."""
        try:
            return self.partitions(WEEKLY).weeks(tier)
        except PermissionDenied:
            return week_endings(self.weekly_download_details(summary_type, tier), "the list of downloads")

    def ping(self) -> str:
        """Ask for one row, with the credentials if there are any, and say in words who answered.

        :raises SpineError: nobody did, or not so that rows can be had.
        """
        from spine.finra.pages import WireFormat, read_page

        wire = WireFormat.JSON
        answer = self._session.ask(WEEKLY, {"limit": 1, "offset": 0}, wire, self._budget())
        page = read_page(answer, None, self._session.transport.redact)
        known = "no rows yet" if not len(page) else "rows" if page.total is None else f"{page.total:,} rows"
        return f"{self.url_of(WEEKLY)} answers {self._who()}: {known}"

    def _budget(self) -> RetryBudget:
        return RetryBudget(self._tuning.retry, self._sleep, self._jitter)

    def _who(self) -> str:
        return f"client id {self._credentials.client_id}" if self._credentials else "without a key"
