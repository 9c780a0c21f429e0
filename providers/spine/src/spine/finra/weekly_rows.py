"""FINRA's weekly rows, in any of their shapes, as typed Arrow batches.

A row that cannot be typed, or that belongs to another tier or week, is a reject with a code; whether a typed row makes
sense is judged later, by include/sql/<dataset>/normalize/.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from spine.core.errors import ValidationError
from spine.core.partitions import Partition
from spine.core.rejects import Reject
from spine.core.tiers import Tier
from spine.core.weeks import friday_of, parse_date, parse_week_ending, published_on
from spine.finra.layout import Layout
from spine.finra.text_columns import blank_as_null, map_distinct, mask_distinct, to_decimal, to_whole, unlike
from spine.sources.base import LINE_NUMBER, SourceBatch

if TYPE_CHECKING:
    import pyarrow as pa

_SYMBOL = r"^[A-Z0-9./-]{0,20}$"  # empty is typed, and refused by the rules later
_MPID = r"^[A-Z0-9]{0,20}$"


@dataclass(frozen=True, slots=True)
class TypedBatch:
    """Rows of one partition with the columns of the lines table, and the rejects among them."""

    rows: pa.RecordBatch
    rejects: list[Reject]


@dataclass(frozen=True, slots=True)
class _Problem:
    """Rows that break a typing rule: a mask, the code, and the words for one value."""

    broken: pa.Array
    code: str
    column: str
    explain: Callable[[Any], str]


@dataclass(slots=True)
class WeeklyRows:
    """Types the batches of one partition.

    :param layout: from the header.
    :param partition: what every row must belong to.
    :param summary_type: FINRA's ``summaryTypeCode`` that every row must bear, where the rows say.
    :param today: no row can have been updated after it.
    """

    layout: Layout
    partition: Partition
    summary_type: str
    today: dt.date = dt.date.max
    last_update: dt.date | None = None

    def type(self, batch: SourceBatch) -> TypedBatch:
        """A source batch as typed rows; columns as in the lines table, without ``capture_no`` and ``reason_code``."""
        import pyarrow as pa
        import pyarrow.compute as pc

        text = {name: batch.rows.column(source) for name, source in self.layout.columns.items()}
        empty = pa.nulls(batch.rows.num_rows, pa.string())
        problems = self._misplaced(text)
        codes = {
            name: pc.utf8_upper(pc.utf8_trim_whitespace(pc.fill_null(text.get(name, empty), "")))
            for name in ("symbol", "mpid")
        }
        problems.append(_Problem(unlike(codes["symbol"], _SYMBOL), "INVALID_SYMBOL", "symbol", _explain_symbol))
        problems.append(_Problem(unlike(codes["mpid"], _MPID), "INVALID_MPID", "mpid", _explain_mpid))
        shares, bad = to_decimal(text["total_shares"])
        problems.append(_Problem(bad, "BAD_NUMBER", "total_shares", _explain_shares))
        trades, bad = to_whole(text["total_trades"])
        problems.append(_Problem(bad, "BAD_NUMBER", "total_trades", _explain_trades))
        crd, bad = (
            to_whole(blank_as_null(text["crd_number"])) if "crd_number" in text else (empty.cast(pa.int64()), None)
        )
        if bad is not None:
            problems.append(_Problem(bad, "BAD_NUMBER", "crd_number", _explain_trades))
        updated, bad = self._update_dates(text.get("last_update_date", empty))
        problems.append(_Problem(bad, "BAD_DATE", "last_update_date", _explain_date))
        rows = pa.RecordBatch.from_pydict(
            {
                "line_number": batch.rows.column(LINE_NUMBER),
                "symbol": codes["symbol"],
                "mpid": _venue_key(codes["mpid"], crd),
                "crd_number": crd,
                "product_type": blank_as_null(text.get("product_type", empty)),
                "issue_name": pc.coalesce(text.get("issue_name", empty), pa.scalar("")),
                "venue_name": pc.coalesce(text.get("venue_name", empty), pa.scalar("")),
                "total_shares": shares,
                "total_trades": trades,
                "source_last_update_date": updated,
            }
        )
        return self._settle(batch, rows, problems)

    def _misplaced(self, text: Mapping[str, pa.Array]) -> list[_Problem]:
        """Rows of another tier, week or summary type."""
        checks: tuple[tuple[str, str, Callable[[str], str | None]], ...] = (
            ("tier", "TIER_MISMATCH", self._wrong_tier),
            ("week_ending", "WEEK_MISMATCH", self._wrong_week),
            ("week_start", "WEEK_MISMATCH", self._wrong_start),
            ("summary_type", "SUMMARY_TYPE_MISMATCH", self._wrong_summary),
            ("last_update_date", "WEEK_MISMATCH", self._too_early),
            ("last_update_date", "BAD_DATE", self._too_late),
        )
        return [
            _Problem(mask_distinct(text[name], check), code, name, partial(_words, check))
            for name, code, check in checks
            if name in text
        ]

    def _wrong_tier(self, value: str) -> str | None:
        try:
            tier = Tier.parse(value)
        except ValidationError as error:
            return error.message
        return None if tier == self.partition.tier else f"the row is of {tier}, the partition of {self.partition.tier}"

    def _wrong_week(self, value: str) -> str | None:
        try:
            week = parse_week_ending(value)
        except ValidationError as error:
            return error.message
        expected = self.partition.week_ending
        return None if week == expected else f"the row is of the week ending {week}, the partition of {expected}"

    def _wrong_start(self, value: str) -> str | None:
        try:
            return self._wrong_week(friday_of(parse_date(value, "weekStartDate")).isoformat())
        except ValidationError as error:
            return error.message

    def _wrong_summary(self, value: str) -> str | None:
        return None if value == self.summary_type else f"the row is a {value}, expected {self.summary_type}"

    def _too_early(self, value: str) -> str | None:
        out = published_on(self.partition.tier, self.partition.week_ending)
        try:
            day = parse_date(value)
        except ValidationError:
            return None  # a blank or bad date is not an early one
        week = self.partition.week_ending
        return f"last updated on {day}, before the week ending {week} was published ({out})" if day < out else None

    def _too_late(self, value: str) -> str | None:
        try:
            day = parse_date(value)
        except ValidationError:
            return None
        return f"last updated on {day}, which is still to come" if day > self.today else None

    def _update_dates(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        import pyarrow as pa
        import pyarrow.compute as pc

        dates, bad = map_distinct(blank_as_null(column), parse_date, pa.date32())
        newest = pc.max(dates).as_py()
        if newest is not None:
            self.last_update = max(filter(None, (self.last_update, newest)))
        return dates, bad

    def _settle(self, batch: SourceBatch, rows: pa.RecordBatch, problems: Sequence[_Problem]) -> TypedBatch:
        """Part the good rows from the bad; a bad one is rejected once, for its first problem."""
        import pyarrow.compute as pc

        rejects = [
            Reject(line.line_number, line.reason_code, line.detail, {"raw": line.raw_text}) for line in batch.rejects
        ]
        bad = problems[0].broken
        for problem in problems[1:]:
            bad = pc.or_(bad, problem.broken)
        if not pc.any(bad).as_py():
            return TypedBatch(rows, rejects)
        for index in pc.indices_nonzero(bad).to_pylist():
            problem = next(each for each in problems if each.broken[index].as_py())
            raw = batch.rows.slice(index, 1).to_pylist()[0]
            line = raw.pop(LINE_NUMBER)
            source = self.layout.columns[problem.column]
            detail = f"{source}: {problem.explain((raw[source] or '').strip())}"
            rejects.append(Reject(line, problem.code, detail, raw))
        return TypedBatch(rows.filter(pc.invert(bad)), rejects)


def _venue_key(mpid: pa.Array, crd: pa.Array) -> pa.Array:
    """The MPID; ``CRD`` and the number for a non-ATS firm, which has none (CRD0: FINRA's "De Minimis Firms")."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if crd.null_count == len(crd):
        return mpid
    firm = pc.binary_join_element_wise("CRD", crd.cast(pa.string()), "")
    return pc.if_else(pc.and_(pc.equal(mpid, ""), pc.is_valid(crd)), firm, mpid)


def _words(check: Callable[[str], str | None], value: str) -> str:
    return check(value) or ""


def _explain_symbol(value: str) -> str:
    return f"{value[:40]!r} is not a symbol; expected at most 20 of A-Z, 0-9, '.', '/' and '-'"


def _explain_mpid(value: str) -> str:
    return f"{value[:40]!r} is not an MPID; expected at most 20 letters and digits"


def _explain_shares(value: str) -> str:
    return f"{value!r} is not a number of shares; expected digits, at most 15 before and 6 after the point"


def _explain_trades(value: str) -> str:
    return f"{value!r} is not a whole number; expected at most 15 digits"


def _explain_date(value: str) -> str:
    return f"{value!r} is not a date; expected YYYY-MM-DD"
