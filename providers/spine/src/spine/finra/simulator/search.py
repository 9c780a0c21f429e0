"""From a query to its rows: only the weeks, tiers and summary types that can match are made at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spine.core.weeks import friday_of, monday_of, parse_date
from spine.finra.simulator.clock import SimulatorClock
from spine.finra.simulator.datasets import WEEKLY_DOWNLOAD_DETAILS, Field, FieldType
from spine.finra.simulator.filters import AnyOf, Condition, passing
from spine.finra.simulator.messages import Refusal
from spine.finra.simulator.pages import Result, Results
from spine.finra.simulator.query import Query
from spine.finra.simulator.shelf import Moment, Shelf
from spine.finra.synthetic import SyntheticMarket
from spine.finra.synthetic.streams import Stream

HISTORIC_AGE = dt.timedelta(days=365)
_WEEK_START = Field("weekStartDate", FieldType.DATE)


class Search:
    """Answers queries over the weeks that are out when they come."""

    def __init__(self, market: SyntheticMarket, weeks: int, clock: SimulatorClock) -> None:
        self._market = market
        self._weeks = weeks
        self._clock = clock
        self._shelf = self._filled(Moment.at(clock.now()))
        self._results = Results()

    def _filled(self, moment: Moment) -> Shelf:
        return Shelf.at(moment, self._market, self._weeks)

    def shelf(self) -> Shelf:
        moment = Moment.at(self._clock.now())
        if moment != self._shelf.moment:
            self._shelf = self._filled(moment)
        return self._shelf

    def partitions(self) -> list[tuple[str, str]]:
        """``weekStartDate`` and ``tierIdentifier`` of all that is out, newest first."""
        listed = self.shelf().index.to_pylist()
        return list(dict.fromkeys((str(entry["weekStartDate"]), entry["tierIdentifier"]) for entry in listed))

    def result(self, query: Query) -> Result:
        """
        :raises Refusal: 400, a ``historicalMonth`` that is none.
        """
        shelf = self.shelf()
        filters = tuple(_by_week(each) for each in query.filters)
        known = set(shelf.index.column_names)
        index = passing(self._index(query, shelf), [each for each in filters if each.field_names <= known])
        if not filters and query.dataset.partition_fields:
            index = _oldest_partition(index)  # what FINRA serves to those who do not say what they want
        rest = [each for each in filters if not each.field_names <= known]
        key = (query.dataset.name, query.filters, query.sort, tuple(tuple(row.values()) for row in index.to_pylist()))
        return self._results.get(key, lambda: self._rows(query, shelf, index, rest))

    def _index(self, query: Query, shelf: Shelf) -> pa.Table:
        if not query.dataset.historic:
            return shelf.index
        oldest = (self._clock.now() - HISTORIC_AGE).date()
        return shelf.index.filter(pc.less(shelf.index["weekStartDate"], pa.scalar(oldest)))

    def _rows(self, query: Query, shelf: Shelf, index: pa.Table, filters: Sequence[AnyOf]) -> pa.Table:
        if query.dataset is WEEKLY_DOWNLOAD_DETAILS:
            return _sorted(index, query)
        parts = list(_parts(shelf, index, filters))
        if not parts:
            return pa.table({field.name: pa.nulls(0) for field in query.dataset.fields})
        return _with_period(_sorted(_shuffled(pa.concat_tables(parts), self._market.seed), query), query)


def _parts(shelf: Shelf, index: pa.Table, filters: Sequence[AnyOf]) -> Iterator[pa.Table]:
    for entry in index.to_pylist():
        rows = shelf.rows(entry["weekStartDate"], entry["tierIdentifier"], entry["summaryTypeCode"], entry["revision"])
        yield passing(rows, filters)


def _oldest_partition(index: pa.Table) -> pa.Table:
    if not index.num_rows:
        return index
    oldest = index.slice(index.num_rows - 1, 1)
    same = [pc.equal(index[name], oldest[name][0]) for name in ("weekStartDate", "tierIdentifier")]
    return index.filter(pc.and_(*same))


def _shuffled(rows: pa.Table, seed: int) -> pa.Table:
    """In an order that means nothing, and is the same whenever the same is asked."""
    bits = Stream.named(seed, "order").bits(np.arange(rows.num_rows, dtype=np.int64))
    return rows.take(pa.array(np.argsort(bits, kind="stable"))).combine_chunks()


def _sorted(rows: pa.Table, query: Query) -> pa.Table:
    if not query.sort:
        return rows
    keys = [(name, "descending" if descends else "ascending") for name, descends in query.sort]
    return rows.take(pc.sort_indices(rows, sort_keys=keys)).combine_chunks()


def _by_week(each: AnyOf) -> AnyOf:
    """weeklySummaryHistoric's ``historicalWeek`` and ``historicalMonth`` as what they say of weekStartDate."""
    name, value = each.conditions[0].field.name, each.conditions[0].values[0]
    if name == "historicalweek":
        return AnyOf((Condition(_WEEK_START, "EQUAL", (monday_of(friday_of(parse_date(value))),)),))
    if name == "historicalmonth":
        return AnyOf((Condition(_WEEK_START, "BETWEEN", _days_of(str(value))),))
    return each


def _days_of(month: str) -> tuple[dt.date, dt.date]:
    try:
        first = dt.datetime.strptime(month, "%Y-%m").date()
    except ValueError:
        raise Refusal(400, f"Invalid value {month!r} for field historicalMonth; expected yyyy-MM") from None
    return first, (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)


def _with_period(rows: pa.Table, query: Query) -> pa.Table:
    """The week or month that was asked for, on every row (FINRA names it only in answers to such requests)."""
    for each in query.filters:
        condition = each.conditions[0]
        if condition.field.name in ("historicalweek", "historicalmonth"):
            rows = rows.append_column(condition.field.name, pa.repeat(pa.scalar(condition.values[0]), rows.num_rows))
    return rows
