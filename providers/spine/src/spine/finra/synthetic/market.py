"""The synthetic market: any week of any tier as FINRA's ``weeklySummary`` would tell it, now or after a restatement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from spine.core.errors import ValidationError
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.core.weeks import is_session, monday_of, parse_week_ending, published_on, sessions_of
from spine.finra.decimals import from_millionths
from spine.finra.synthetic.issues import MAX_SYMBOLS, Issues, issues_of
from spine.finra.synthetic.participants import MAX_VENUES, Participants, firms_of, venues_of
from spine.finra.synthetic.streams import Stream, once
from spine.finra.synthetic.summaries import (
    NONE,
    Summary,
    by_issue,
    by_issue_and_firm,
    by_issue_and_venue,
    by_participant,
)
from spine.finra.synthetic.volumes import Session, Volumes, week_number

DEFAULT_SEED = 7
DEFAULT_SYMBOLS: Mapping[Tier, int] = {Tier.T1: 120, Tier.T2: 200, Tier.OTCE: 150}
DEFAULT_VENUES = 40
SUMMARY_TYPES = ("ATS_W_SMBL_FIRM", "ATS_W_SMBL", "ATS_W_FIRM", "OTC_W_SMBL_FIRM", "OTC_W_SMBL", "OTC_W_FIRM")
RESTATED_RATE = 0.1
FIRMS_PER_VENUE = 1.5

SCHEMA = pa.schema(
    [
        ("tierDescription", pa.string()),
        ("tierIdentifier", pa.string()),
        ("issueSymbolIdentifier", pa.string()),
        ("issueName", pa.string()),
        ("firmCRDNumber", pa.int64()),
        ("MPID", pa.string()),
        ("marketParticipantName", pa.string()),
        ("totalWeeklyShareQuantity", pa.decimal128(24, 6)),
        ("totalWeeklyTradeCount", pa.int64()),
        ("productTypeCode", pa.string()),
        ("summaryTypeCode", pa.string()),
        ("weekStartDate", pa.date32()),
        ("initialPublishedDate", pa.date32()),
        ("lastReportedDate", pa.date32()),
        ("lastUpdateDate", pa.date32()),
    ]
)


@dataclass(frozen=True, slots=True)
class SyntheticMarket:
    """An invented market in which every week is already decided: its rows depend on nothing but what is asked.

    :param seed: another seed is another market.
    :param symbols: issues in each tier, listed or not (a tier left out has its default); a larger market keeps the
        issues of a smaller one.
    :param venues: ATS venues; there are half as many member firms again.
    """

    seed: int = DEFAULT_SEED
    symbols: Mapping[Tier, int] = field(default_factory=lambda: dict(DEFAULT_SYMBOLS))
    venues: int = DEFAULT_VENUES

    def __post_init__(self) -> None:
        for tier, count in self.symbols.items():
            _require(f"symbols of {tier}", count, MAX_SYMBOLS)
        _require("venues", self.venues, MAX_VENUES)

    def week(
        self, tier: Tier, week_ending: dt.date, *, summary_type: str = "ATS_W_SMBL_FIRM", revision: int = 0
    ) -> pa.Table:
        """One partition's rows (SCHEMA), ordered by symbol, then MPID or CRD number.

        Rows are there whether FINRA would have published them yet or not; a key (symbol, MPID, CRD) occurs once.

        :param summary_type: one of SUMMARY_TYPES; rows of different types overlap, as FINRA's do.
        :param revision: 0 as first published; 1 as restated, which can be asked of every week (see ``restated``).
        :raises ValidationError: for a day that is no Friday, another summary type or another revision.
        """
        parse_week_ending(week_ending)
        if summary_type not in SUMMARY_TYPES:
            raise ValidationError(f"unknown summary type {summary_type!r}; {did_you_mean(summary_type, SUMMARY_TYPES)}")
        if revision not in (0, 1):
            raise ValidationError(f"revision {revision} of a week; expected 0 (first published) or 1 (restated)")
        side, _, grain = summary_type.partition("_W_")
        issues = issues_of(self.seed, tier, self.symbols.get(tier, DEFAULT_SYMBOLS[tier]))
        people = self._participants(side, tier)
        volumes = Session(self.seed, side, tier, week_ending, issues, people).volumes(restated=revision == 1)
        summary = _summary(volumes, side, grain, len(sessions_of(week_ending)))
        return self._table(tier, week_ending, summary_type, summary, issues, people)

    def restated(self, tier: Tier, week_ending: dt.date) -> bool:
        """Whether FINRA restates this week some time after its publication: one week in ten."""
        return once(Stream.named(self.seed, "restated", tier, week_ending)) < RESTATED_RATE

    def restated_on(self, tier: Tier, week_ending: dt.date) -> dt.date:
        """The session on which revision 1 replaces the first publication, one to sixteen weeks after it."""
        first, second = (once(Stream.named(self.seed, "restated on", part, tier, week_ending)) for part in (1, 2))
        day = published_on(tier, week_ending) + dt.timedelta(days=7 + int(106 * first * second))
        while not is_session(day):
            day += dt.timedelta(days=1)
        return day

    def revision_on(self, tier: Tier, week_ending: dt.date, day: dt.date) -> int:
        """The revision FINRA shows on a day."""
        return int(self.restated(tier, week_ending) and self.restated_on(tier, week_ending) <= day)

    def _participants(self, side: str, tier: Tier) -> Participants:
        if side == "OTC":
            return firms_of(self.seed, int(self.venues * FIRMS_PER_VENUE))
        return venues_of(self.seed, tier, self.venues)

    def _table(
        self, tier: Tier, week_ending: dt.date, code: str, summary: Summary, issues: Issues, people: Participants
    ) -> pa.Table:
        number, rows = week_number(week_ending), len(summary.issue)
        issue = pa.array(summary.issue, mask=summary.issue == NONE)
        participant = pa.array(summary.participant, mask=summary.participant == NONE)
        published, reported = published_on(tier, week_ending), sessions_of(week_ending)[-1]
        restated_on = self.restated_on(tier, week_ending)
        columns: dict[str, Any] = {
            "tierDescription": _constant(tier.description, rows),
            "tierIdentifier": _constant(str(tier), rows),
            "issueSymbolIdentifier": issues.symbols.take(issue),
            "issueName": issues.names(number).take(issue),
            "firmCRDNumber": people.crds.take(participant),
            "MPID": people.mpids.take(participant),
            "marketParticipantName": people.names.take(participant),
            "totalWeeklyShareQuantity": from_millionths(summary.millionths),
            "totalWeeklyTradeCount": pa.array(summary.trades),
            "productTypeCode": issues.product_types(number).take(issue),
            "summaryTypeCode": _constant(code, rows),
            "weekStartDate": _constant(monday_of(week_ending), rows),
            "initialPublishedDate": _constant(published, rows),
            "lastReportedDate": _either(summary.touched, restated_on, reported),
            "lastUpdateDate": _either(summary.touched, restated_on, published),
        }
        return pa.table(columns, schema=SCHEMA)


def _summary(volumes: Volumes, side: str, grain: str, sessions: int) -> Summary:
    if grain == "SMBL":
        return by_issue(volumes)
    if grain == "FIRM":  # firms are named here whatever their size (FINRA Regulatory Notice 19-29)
        return by_participant(volumes)
    return by_issue_and_firm(volumes, sessions) if side == "OTC" else by_issue_and_venue(volumes)


def _require(what: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise ValidationError(f"{count} {what}; the synthetic market has names for 1 to {most}")


def _constant(value: object, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), rows)


def _either(touched: Any, changed: dt.date, unchanged: dt.date) -> pa.Array:
    return pa.array(np.where(touched, np.datetime64(changed), np.datetime64(unchanged)), pa.date32())
