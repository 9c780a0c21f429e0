"""One week of one tier from FINRA's API as a source of rows."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from spine.core.errors import ConfigurationError, SourceError, SpineError
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.core.weeks import monday_of, newest_published, parse_week_ending, published_at
from spine.finra.client import WEEKLY, FinraClient
from spine.finra.query import Query, equal
from spine.sources.base import SourceBatch

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.finra.spool import Spool
    from spine.sources.batches import LineNumbers

HISTORIC = "weeklySummaryHistoric"
LATE = dt.timedelta(days=14)  # so long a week that should be out is worth waiting for
HISTORIC_AGE = dt.timedelta(days=365)  # FINRA's notice of 2021-03-08: weeklySummary holds rolling twelve months
SUMMARY_TYPES = ("ATS_W_SMBL_FIRM", "OTC_W_SMBL_FIRM", "ATS_W_SMBL", "OTC_W_SMBL")
# All that tells rows apart or counts. Left out: totalNotionalSum (mock datasets lack it) and dates that nothing reads.
FIELDS = (
    "weekStartDate",
    "tierIdentifier",
    "summaryTypeCode",
    "issueSymbolIdentifier",
    "issueName",
    "MPID",
    "firmCRDNumber",
    "marketParticipantName",
    "productTypeCode",
    "totalWeeklyShareQuantity",
    "totalWeeklyTradeCount",
    "lastUpdateDate",
)
# A total order, so that pages cannot overlap.
SORT = ("issueSymbolIdentifier", "MPID", "firmCRDNumber", "productTypeCode", "issueName")

_log = logging.getLogger(__name__)


class FinraWeeklySource:
    """
    :param summary_type: one of the four by symbol; others have no symbol.
    :param historic: read weeklySummaryHistoric. None: only when weeklySummary lacks a week that is over a year old.
    :param now: the present, timezone-aware.
    """

    source_type = "api"

    def __init__(
        self,
        client: FinraClient,
        tier: Tier,
        week_ending: dt.date,
        summary_type: str = "ATS_W_SMBL_FIRM",
        *,
        historic: bool | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        if summary_type not in SUMMARY_TYPES:
            hint = did_you_mean(summary_type, SUMMARY_TYPES)
            raise ConfigurationError(f"summary type '{summary_type}' is none of weekly rows by symbol; {hint}")
        self.name = client.url_of(HISTORIC if historic else WEEKLY)
        self._client = client
        self._tier = Tier.parse(tier)
        self._week_ending = parse_week_ending(week_ending)
        self._summary_type = summary_type
        self._historic = historic
        self._now = now

    def read(self) -> ApiReading:
        """Fetch the whole week, so that nobody sees a row of a pull that does not add up.

        :raises SourceError: there is no such week, or FINRA's rows of it never held still.
        """
        try:
            reading = self._read(HISTORIC) if self._historic else self._current()
            if reading is None:
                raise self._no_rows()
            return reading
        except SpineError as error:
            error.with_context(tier=self._tier, week_ending=self._week_ending, summary_type=self._summary_type)
            raise

    def _current(self) -> ApiReading | None:
        reading = self._read(WEEKLY)
        age = self._now().date() - self._week_ending
        if reading or self._historic is False or age < HISTORIC_AGE or self._client.mock:
            return reading
        self.name = self._client.url_of(HISTORIC)
        return self._read(HISTORIC)

    def _read(self, dataset: str) -> ApiReading | None:
        """The week's rows; None when the partition is not there, or empty."""
        only = self._summary_type if dataset == HISTORIC else None
        reading = ApiReading(self._pull(dataset), only)
        if not reading.empty:
            return reading
        reading.close()
        return None

    def _pull(self, dataset: str) -> Spool:
        partition = (equal("weekStartDate", monday_of(self._week_ending)), equal("tierIdentifier", self._tier))
        if dataset == HISTORIC:
            return self._client.pull(Query(HISTORIC, partition, FIELDS), unique=True)
        filters = (*partition, equal("summaryTypeCode", self._summary_type))
        try:
            return self._client.pull(Query(WEEKLY, filters, FIELDS, SORT), unique=True)
        except SourceError as error:
            # FINRA documents no limit on sort fields. Should it have one, a row that comes twice still gives drift away.
            if error.context.get("status") != 400 or "sort" not in error.message.lower():
                raise
            _log.warning("FINRA refused the sort, reading pages without one: %s", error.message)
            return self._client.pull(Query(WEEKLY, filters, FIELDS), unique=True)

    def _no_rows(self) -> SourceError:
        out, now = published_at(self._tier, self._week_ending), self._now()
        what = f"{self.name} has no {self._summary_type} rows of {self._tier} for the week ending {self._week_ending}"
        newest = newest_published(self._tier, now)
        if out > now:
            return SourceError(
                f"{what}, and none are due: FINRA publishes them on {out:%Y-%m-%d %H:%M %Z}; newest: {newest}"
            )
        return SourceError(
            f"{what}, which were due on {out:%Y-%m-%d %H:%M %Z}; the newest week out is {newest}. "
            "FINRA may be late, or no longer keep the week",
            retryable=now - out < LATE,
        )


class ApiReading:
    """One pass over a pulled week. ``line_number`` is the place in the answer; for ``sha256`` see Spool.

    :param only: the summary type whose rows are this reading's lines, where FINRA could not be asked for it alone.
    """

    def __init__(self, spool: Spool, only: str | None) -> None:
        self.columns = spool.columns
        self.lines = 0
        self.bytes_read = spool.bytes_received
        self.sha256 = spool.sha256
        self._spool = spool
        self._only = only
        self._begun = False

    @property
    def empty(self) -> bool:
        return not any(rows.num_rows for rows, _ in self._numbered())

    def __iter__(self) -> Iterator[SourceBatch]:
        if self._begun:
            raise SpineError("an API reading is being read a second time; call read() again")
        self._begun = True
        return self._batches()

    def _batches(self) -> Iterator[SourceBatch]:
        from spine.sources.batches import numbered

        try:
            for rows, line_numbers in self._numbered():
                self.lines += rows.num_rows
                yield SourceBatch(numbered(rows, line_numbers))
        finally:
            self.close()

    def _numbered(self) -> Iterator[tuple[pa.RecordBatch, LineNumbers]]:
        import numpy as np
        import pyarrow.compute as pc

        first = 1
        for rows in self._spool.batches():
            numbers = np.arange(first, first + rows.num_rows, dtype=np.int64)
            first += rows.num_rows
            if self._only:
                wanted = pc.equal(rows.column("summaryTypeCode"), self._only)
                yield rows.filter(wanted), numbers[wanted.to_numpy(zero_copy_only=False)]
            else:
                yield rows, numbers

    def close(self) -> None:
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        # Whoever looks at the columns and walks away has not promised to close anything.
        self.close()
