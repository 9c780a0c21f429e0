"""What FINRA has on its shelf at an instant: which weeks of which tiers are out, in which revision, and their rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa

from spine.core.tiers import Tier
from spine.core.weeks import NEW_YORK, PUBLICATION_TIME, friday_of, monday_of, newest_published, window
from spine.finra.simulator.notional import notional_sums
from spine.finra.synthetic import SUMMARY_TYPES, SyntheticMarket


@dataclass(frozen=True, slots=True)
class Moment:
    """All that decides what is on the shelf: the newest week of each tier, and the day for restatements."""

    newest: tuple[tuple[Tier, dt.date], ...]
    day: dt.date

    @classmethod
    def at(cls, now: dt.datetime) -> Moment:
        """Publications and restatements appear at 6:00 in New York."""
        since_six = now.astimezone(NEW_YORK) - dt.timedelta(hours=PUBLICATION_TIME.hour)
        return cls(tuple((tier, newest_published(tier, now)) for tier in Tier), since_six.date())


@dataclass(frozen=True, slots=True)
class Shelf:
    """One row of ``index`` for each week, tier and summary type that is out: newest week first, with its revision."""

    market: SyntheticMarket
    moment: Moment
    index: pa.Table

    @classmethod
    def at(cls, moment: Moment, market: SyntheticMarket, weeks: int) -> Shelf:
        """The newest ``weeks`` published weeks of each tier."""
        partitions = [
            (monday_of(week), str(tier), market.revision_on(tier, week, moment.day))
            for tier, last in moment.newest
            for week in window(last, weeks)
        ]
        partitions.sort(key=lambda each: (-each[0].toordinal(), each[1]))
        return cls(market, moment, _table([(*each, code) for each in partitions for code in SUMMARY_TYPES]))

    def rows(self, monday: dt.date, tier: str, summary_type: str, revision: int) -> pa.Table:
        """weeklySummary's rows of one row of the index, in the market's order."""
        rows = self.market.week(Tier(tier), friday_of(monday), summary_type=summary_type, revision=revision)
        sums = notional_sums(rows, self.market.seed, Tier(tier), monday)
        return rows.append_column("summaryStartDate", rows["weekStartDate"]).append_column("totalNotionalSum", sums)


def _table(listed: list[tuple[dt.date, str, int, str]]) -> pa.Table:
    mondays, tiers, revisions, codes = zip(*listed, strict=True)
    return pa.table(
        {
            "weekStartDate": pa.array(mondays, pa.date32()),
            "summaryStartDate": pa.array(mondays, pa.date32()),
            "tierIdentifier": pa.array(tiers, pa.string()),
            "summaryTypeCode": pa.array(codes, pa.string()),
            "revision": pa.array(revisions, pa.int64()),
        }
    )
