"""FINRA's weekly rows, in any of their shapes, as typed Arrow batches.

A row that cannot be typed, or that belongs to another tier or week, is a reject with a code; whether a typed row makes
sense is judged later, by include/sql/<dataset>/normalize.sql.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from spine.core.errors import SourceError, ValidationError
from spine.core.partitions import Partition
from spine.core.rejects import Reject
from spine.core.suggest import did_you_mean
from spine.core.tiers import Tier
from spine.core.weeks import friday_of, parse_date, parse_week_ending, published_on, week_published_on
from spine.sources.base import LINE_NUMBER, SourceBatch

if TYPE_CHECKING:
    import pyarrow as pa

# Canonical column: the names it has in the weekly download, the API, and the two simpler files (upper-case here).
_ALIASES: dict[str, tuple[str, ...]] = {
    "tier": ("TIERDESCRIPTION", "TIER", "TIERIDENTIFIER"),
    "symbol": ("ISSUESYMBOLIDENTIFIER", "SYMBOL"),
    "issue_name": ("ISSUENAME",),
    "venue_name": ("MARKETPARTICIPANTNAME",),
    "mpid": ("MPID", "VENUE"),
    "crd_number": ("FIRMCRDNUMBER",),
    "product_type": ("PRODUCTTYPECODE",),
    "summary_type": ("SUMMARYTYPECODE",),
    "total_shares": ("TOTALWEEKLYSHAREQUANTITY", "TOTALSHARES", "TOTALWEEKLYSHAREVOLUME"),
    "total_trades": ("TOTALWEEKLYTRADECOUNT", "TOTALTRADES", "TOTALWEEKLYTRADES"),
    "last_update_date": ("LASTUPDATEDATE",),
    "week_ending": ("WEEKENDING", "DATE"),
    "week_start": ("WEEKSTARTDATE",),
}
_KNOWN_UNUSED = {
    "SUMMARYSTARTDATE", "INITIALPUBLISHEDDATE", "LASTREPORTEDDATE", "TOTALNOTIONALSUM", "AVERAGEDAILYSHAREVOLUME",
    "AVERAGETRADESIZE", "TIERIDENTIFIER", "HISTORICALWEEK", "HISTORICALMONTH",
}  # fmt: skip
_REQUIRED = ("symbol", "total_shares", "total_trades")

_SYMBOL = r"^[A-Z0-9./-]{0,20}$"  # empty is typed, and refused by the rules later
_MPID = r"^[A-Z0-9]{0,20}$"
_WHOLE = r"^[+-]?[0-9]{1,15}$"
_FRACTION = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,6})?$"


@dataclass(frozen=True, slots=True)
class Layout:
    """Which source column holds which canonical one."""

    columns: Mapping[str, str]

    @classmethod
    def detect(cls, header: Sequence[str], source: str, *, per_venue: bool = True) -> Layout:
        """Match a header by name, in any order and case.

        :param per_venue: rows must name a venue (MPID) or a firm (CRD number).
        :raises SourceError: a required column is missing, or a column is unknown.
        """
        by_name = {name.strip().upper(): name for name in header}
        found = {
            canonical: by_name[next(alias for alias in aliases if alias in by_name)]
            for canonical, aliases in _ALIASES.items()
            if any(alias in by_name for alias in aliases)
        }
        required = (*_REQUIRED, "mpid") if per_venue and "crd_number" not in found else _REQUIRED
        missing = [f"{name} ({' or '.join(_ALIASES[name])})".lower() for name in required if name not in found]
        known = {alias for aliases in _ALIASES.values() for alias in aliases} | _KNOWN_UNUSED
        unknown = [name for key, name in by_name.items() if key not in known]
        if missing:
            raise SourceError(f"{source}: the header lacks {', '.join(missing)}; it has {', '.join(header)}")
        if unknown:
            hint = did_you_mean(unknown[0].upper(), known)
            raise SourceError(f"{source}: the header has unknown column {', '.join(unknown)}; {hint}")
        return cls(found)


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
    """

    layout: Layout
    partition: Partition
    summary_type: str
    first_update: dt.date | None = None
    last_update: dt.date | None = field(default=None)

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
        problems.append(_Problem(_unlike(codes["symbol"], _SYMBOL), "INVALID_SYMBOL", "symbol", _explain_symbol))
        problems.append(_Problem(_unlike(codes["mpid"], _MPID), "INVALID_MPID", "mpid", _explain_mpid))
        shares, bad = to_decimal(text["total_shares"])
        problems.append(_Problem(bad, "BAD_NUMBER", "total_shares", _explain_shares))
        trades, bad = to_whole(text["total_trades"])
        problems.append(_Problem(bad, "BAD_NUMBER", "total_trades", _explain_trades))
        crd, bad = (
            to_whole(_blank_as_null(text["crd_number"])) if "crd_number" in text else (empty.cast(pa.int64()), None)
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
                "product_type": _blank_as_null(text.get("product_type", empty)),
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
        checks: dict[str, tuple[str, Callable[[str], str | None]]] = {
            "tier": ("TIER_MISMATCH", self._wrong_tier),
            "week_ending": ("WEEK_MISMATCH", self._wrong_week),
            "week_start": ("WEEK_MISMATCH", self._wrong_start),
            "summary_type": ("SUMMARY_TYPE_MISMATCH", self._wrong_summary),
            "last_update_date": ("WEEK_MISMATCH", self._too_early),
        }
        return [
            _Problem(_mask_distinct(text[name], check), code, name, partial(_words, check))
            for name, (code, check) in checks.items()
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

    def _update_dates(self, column: pa.Array) -> tuple[pa.Array, pa.Array]:
        import pyarrow as pa
        import pyarrow.compute as pc

        dates, bad = map_distinct(_blank_as_null(column), parse_date, pa.date32())
        bounds = pc.min_max(dates)
        if bounds["min"].as_py() is not None:
            self.first_update = min(filter(None, (self.first_update, bounds["min"].as_py())))
            self.last_update = max(filter(None, (self.last_update, bounds["max"].as_py())))
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


def resolve_week(layout: Layout, first: SourceBatch, tier: Tier, given: dt.date | None, source: str) -> dt.date:
    """Which week a file holds: what the caller says, what a week column says, or the publication rule.

    ``lastUpdateDate`` is when FINRA last touched a row; only an unrevised one is a publication date. So the most frequent
    date of the first batch tells the week, and a given week is believed when any row bears its publication date.

    :raises ValidationError: the week cannot be told, or what was given contradicts the file.
    """
    said = _week_of_rows(layout, first, tier, given)
    if said is None and given is None:
        raise ValidationError(f"{source}: nothing in the file tells its week; pass week_ending")
    if given and said and given != said[0]:
        raise ValidationError(
            f"{source}: week_ending {given} was given, but the file holds the week ending {said[0]} ({said[1]})"
        )
    return given or said[0]  # type: ignore[index]


def _week_of_rows(layout: Layout, first: SourceBatch, tier: Tier, given: dt.date | None) -> tuple[dt.date, str] | None:
    """The week, and the words for how it shows."""
    if days := _dates(first, layout.columns.get("week_ending")):
        return parse_week_ending(days[0]), "its week column"
    if days := _dates(first, layout.columns.get("week_start")):
        return friday_of(days[0]), f"its weekStartDate {days[0]}"
    days = _dates(first, layout.columns.get("last_update_date"))
    if given and published_on(tier, given) in days:
        return given, "its lastUpdateDate"
    if days and (week := week_published_on(tier, days[0])):
        return week, f"most of its rows were last updated on {days[0]}, when {tier} of that week was published"
    return None


def _dates(batch: SourceBatch, column: str | None) -> list[dt.date]:
    """The dates of a column, the most frequent first; a bad date is its row's problem, not evidence of a week."""
    counts: dict[dt.date, int] = {}
    for each in batch.rows.column(column).value_counts().to_pylist() if column else ():
        try:
            day = parse_date((each["values"] or "").strip())
        except ValidationError:
            continue
        counts[day] = counts.get(day, 0) + int(each["counts"])
    return sorted(counts, key=lambda day: (-counts[day], day))


def to_whole(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Text to int64 (at most 15 digits, a sign allowed), and which values are not such; null stays null."""
    import pyarrow as pa

    return _to_number(column, pa.int64(), _WHOLE)


def to_decimal(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Text to decimal(24, 6), and which values are not such: at most 15 digits before and 6 after the point, also with an
    exponent, which is how FINRA's JSON writes large fractions."""
    import pyarrow as pa

    return _to_number(column, pa.decimal128(24, 6), _FRACTION)


def _to_number(column: pa.Array, kind: pa.DataType, pattern: str) -> tuple[pa.Array, pa.Array]:
    import pyarrow as pa
    import pyarrow.compute as pc

    # Nearly every batch is digits throughout. The cast alone would not do: it takes 0x10 as 16.
    if pc.all(pc.ascii_is_decimal(column), skip_nulls=False).as_py():
        with suppress(pa.ArrowInvalid):  # beyond 64 bits
            whole = column.cast(pa.int64())
            if (pc.max(whole).as_py() or 0) < 10**15:
                return _whole_as(whole, kind), pa.repeat(pa.scalar(False), len(column))
    column = pc.utf8_trim_whitespace(column)
    if pa.types.is_decimal(kind):
        from spine.finra.decimals import without_exponents

        column = without_exponents(column)
    good = pc.fill_null(pc.match_substring_regex(column, pattern), True)
    unsigned = pc.replace_substring_regex(column, r"^\+", "")
    return pc.if_else(good, unsigned, None).cast(kind), pc.invert(good)


def _whole_as(whole: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if whole.type == kind:
        return whole
    # First one that holds any int64: Arrow refuses a narrower one, whatever the values are.
    return whole.cast(pa.decimal128(25, 6)).cast(kind)


def map_distinct(column: pa.Array, parse: Callable[[str], Any], kind: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """Parse each distinct value once; the parsed column, and which values could not be parsed (null stays null)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = column.dictionary_encode()
    parsed, failed = [], []
    for value in encoded.dictionary.to_pylist():
        try:
            parsed.append(None if value is None else parse(value.strip()))
            failed.append(False)
        except ValidationError:
            parsed.append(None)
            failed.append(True)
    values = pa.array(parsed, kind).take(encoded.indices)
    return values, pc.fill_null(pa.array(failed, pa.bool_()).take(encoded.indices), False)


def _mask_distinct(column: pa.Array, check: Callable[[str], str | None]) -> pa.Array:
    """Which values ``check`` finds something wrong with, asking once for each distinct value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = pc.fill_null(column, "").dictionary_encode()
    wrong = [check(value.strip()) is not None for value in encoded.dictionary.to_pylist()]
    return pa.array(wrong, pa.bool_()).take(encoded.indices)


def _venue_key(mpid: pa.Array, crd: pa.Array) -> pa.Array:
    """The MPID; ``CRD`` and the number for a non-ATS firm, which has none (CRD0: FINRA's "De Minimis Firms")."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if crd.null_count == len(crd):
        return mpid
    firm = pc.binary_join_element_wise("CRD", crd.cast(pa.string()), "")
    return pc.if_else(pc.and_(pc.equal(mpid, ""), pc.is_valid(crd)), firm, mpid)


def _unlike(column: pa.Array, pattern: str) -> pa.Array:
    import pyarrow.compute as pc

    return pc.invert(pc.match_substring_regex(column, pattern))


def _blank_as_null(column: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), None, column)


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
