"""An export is read part by part: one capture each, whose rows never change and are counted in the ledger."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from spine.core.errors import ValidationError
from spine.core.weeks import parse_date
from spine.exports.selection import Selection, one_of
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.storage.ledger import as_instant

if TYPE_CHECKING:
    from spine.exports.relations import Relation
    from spine.storage.base import Storage

_CAPTURES = (
    "SELECT c.capture_id, c.tier, c.week_ending, c.summary_type, c.revision, c.captured_at, c.pruned_at, m.row_count, "
    "m.metrics_json FROM core_captures c JOIN core_manifest m ON m.capture_id = c.capture_id AND m.stage = :stage "
    "WHERE c.domain = :domain AND c.hold_reason IS NULL"
)
_PARTITION = ("week_ending", "tier", "summary_type")
_MOST_NAMED = 5


class NothingSelected(ValidationError):
    """There is no row to export; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture as a source of an export.

    :param rows: how many of the relation's rows are in the selection.
    """

    capture_id: str
    tier: str
    week_ending: dt.date
    summary_type: str
    revision: int
    captured_at: str
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        same = {name: getattr(self, name) for name in ("capture_id", "tier", "summary_type", "revision", "captured_at")}
        return {**same, "week_ending": self.week_ending.isoformat(), "rows": self.rows}


@dataclass(frozen=True, slots=True)
class Part:
    """A condition on the relation's rows.

    :param name: for messages.
    :param rows: how many there must be.
    """

    name: str
    where: str
    values: Mapping[str, Any]
    rows: int
    capture: Capture | None = None


def parts_of(storage: Storage, relation: Relation, selection: Selection) -> list[Part]:
    """The parts of a selection, in the order of weeks, tiers, summary types and revisions.

    :raises NothingSelected: there are none; :raises ValidationError: the relation has nothing to select by.
    """
    if selection.symbols and "symbol" not in relation.types:
        raise ValidationError(f"{relation.name} has no column symbol; leave out the symbols")
    if relation.stage is None:
        return [_whole(storage, relation, selection)]
    if relation.latest_only and (selection.as_of or selection.revisions):
        raise ValidationError(f"{relation.name} shows the newest captures only; leave out as_of and revisions")
    captures = list(_captures(storage, relation, selection))
    if not captures:
        raise NothingSelected(f"no capture of {relation.name} is in the selection; {_what_there_is(storage, relation)}")
    if selection.symbols:
        counts = _counts(storage, relation, selection)
        captures = [replace(each, rows=counts.get(each.capture_id, 0)) for each in captures]
    if not any(each.rows for each in captures):
        raise NothingSelected(f"no row of {relation.name} is in the selection; {_what_there_is(storage, relation)}")
    return [_part(each, selection) for each in captures if each.rows]


def _part(capture: Capture, selection: Selection) -> Part:
    # Week and tier say nothing new, but they let a database find the rows of a view without computing all of it.
    own = {name: getattr(capture, name) for name in ("capture_id", *_PARTITION)}
    clause, values = one_of("t.symbol", "symbol", selection.symbols)
    where = " AND ".join(f"t.{name} = :{name}" for name in own)
    return Part(capture.capture_id, where + clause, {**own, **values}, capture.rows, capture)


def _counts(storage: Storage, relation: Relation, selection: Selection) -> dict[str, int]:
    """Rows of the wanted symbols by capture: the ledger does not count symbols."""
    (conditions, values), (clause, symbols) = selection.where("t"), one_of("t.symbol", "symbol", selection.symbols)
    sql = f"SELECT t.capture_id, COUNT(*) FROM {relation.table} t WHERE 1 = 1{conditions}{clause} GROUP BY t.capture_id"
    return dict(storage.query(sql, {**values, **symbols}).rows)


def _whole(storage: Storage, relation: Relation, selection: Selection) -> Part:
    if selection.as_of or selection.revisions or selection.summary_types:
        raise ValidationError(
            f"{relation.name} keeps its newest state only, without captures; leave out as_of, revisions and summary types"
        )
    wanted = {"tier": selection.tiers, "week_ending": selection.first_week or selection.last_week}
    if lacking := [name for name, given in wanted.items() if given and name not in relation.types]:
        raise ValidationError(f"{relation.name} has no column {lacking[0]} to select by; leave that out")
    (conditions, values), (clause, symbols) = selection.where("t"), one_of("t.symbol", "symbol", selection.symbols)
    where, bound = f"1 = 1{conditions}{clause}", {**values, **symbols}
    rows = int(storage.query(f"SELECT COUNT(*) FROM {relation.table} t WHERE {where}", bound).scalar)
    if not rows:
        raise NothingSelected(f"no row of {relation.name} is in the selection; select less narrowly")
    return Part(relation.table, where, bound, rows)


def _captures(storage: Storage, relation: Relation, selection: Selection) -> Iterator[Capture]:
    conditions, values = selection.where("c")
    values |= {"domain": OTC_TRANSPARENCY.name, "stage": str(relation.stage)}
    if selection.as_of:
        conditions, values = f"{conditions} AND m.updated_at <= :as_of", {**values, "as_of": selection.as_of}
    order = "ORDER BY c.week_ending, c.tier, c.summary_type, c.revision"
    rows = storage.query(f"{_CAPTURES}{conditions} {order}", values)
    chosen = list(_chosen(rows, selection))
    if selection.as_of and (gone := [row["capture_id"] for row in chosen if row["pruned_at"]]):
        more = f" and {len(gone) - _MOST_NAMED} more" if len(gone) > _MOST_NAMED else ""
        raise ValidationError(
            f"what was known at {selection.as_of} is no longer there: retention removed the rows of "
            f"{', '.join(gone[:_MOST_NAMED])}{more}; select other weeks or a later instant"
        )
    return (_capture(row, relation) for row in chosen)


def _chosen(rows: Iterable[Mapping[str, Any]], selection: Selection) -> Iterator[Mapping[str, Any]]:
    """Of the captures of each partition, oldest first, those that the selection means."""
    for _, group in groupby(rows, key=lambda row: [row[name] for name in _PARTITION]):
        captures = list(group)
        there = captures if selection.as_of else [row for row in captures if not row["pruned_at"]]
        yield from there if selection.revisions else there[-1:]


def _capture(row: Mapping[str, Any], relation: Relation) -> Capture:
    at = as_instant(row["captured_at"])
    assert at is not None  # the column is NOT NULL
    return Capture(
        capture_id=row["capture_id"],
        tier=row["tier"],
        week_ending=parse_date(row["week_ending"]),
        summary_type=row["summary_type"],
        revision=row["revision"],
        captured_at=at.isoformat(),
        rows=_counted(row, relation),
    )


def _counted(row: Mapping[str, Any], relation: Relation) -> int:
    """What the ledger says: a stage that fills several tables counts each, and its first one for all of its variants."""
    metrics = json.loads(row["metrics_json"])
    if "tables" not in metrics:
        return int(row["row_count"])
    return int(metrics["tables"].get(relation.counted_by, 0)) * len(metrics["inputs"])


def _what_there_is(storage: Storage, relation: Relation) -> str:
    found = storage.query(
        "SELECT c.tier, MIN(c.week_ending) AS first_week, MAX(c.week_ending) AS last_week FROM core_captures c "
        "JOIN core_manifest m ON m.capture_id = c.capture_id AND m.stage = :stage "
        "WHERE c.domain = :domain AND c.hold_reason IS NULL AND c.pruned_at IS NULL GROUP BY c.tier ORDER BY c.tier",
        {"domain": OTC_TRANSPARENCY.name, "stage": str(relation.stage)},
    )
    weeks = [f"{row['tier']} from {row['first_week']} to {row['last_week']}" for row in found]
    return (
        f"there is {', '.join(weeks)}" if weeks else "none was captured yet: `airflow spine run finra.weekly_refresh`"
    )
