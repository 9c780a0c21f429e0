"""What was known at an instant: rows of the captures that were the newest ones then."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import parse_date
from spine.storage.ledger import Stage
from spine.storage.sql import checked_identifier

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.storage.base import QueryResult, Storage

_MOST_NAMED = 5
_STAGES = {"venue_volume": Stage.NORMALIZED, "symbol_rolling": Stage.ROLLING}
_KNOWN = """
SELECT {wanted}
FROM core_captures c
JOIN core_manifest m ON m.capture_id = c.capture_id AND m.stage = :stage AND m.updated_at <= :instant
{joined}
WHERE c.hold_reason IS NULL{where} AND NOT EXISTS (
    SELECT 1 FROM core_captures n
    JOIN core_manifest r ON r.capture_id = n.capture_id AND r.stage = :stage AND r.updated_at <= :instant
    WHERE n.domain = c.domain AND n.tier = c.tier AND n.week_ending = c.week_ending AND n.summary_type = c.summary_type
      AND n.revision > c.revision AND n.hold_reason IS NULL)"""


def read_as_of(
    storage: Storage,
    table: str,
    instant: dt.datetime,
    *,
    tier: Tier | None = None,
    week_ending: dt.date | None = None,
    omit_pruned: bool = False,
) -> pa.Table:
    """Rows of a derived table or of venue_volume as a reader of its ``_latest`` view saw them at ``instant``.

    A capture counts from the moment the table's stage was finished. Holds are those of today: they are not dated.

    :param table: such as ``finra_otc_transparency_symbol_summary``, without ``_latest``.
    :param instant: timezone-aware.
    :param omit_pruned: leave out the weeks whose capture of then has lost its rows to retention.
    :raises ValidationError: an instant without a time zone; or rows of then were pruned, and a part is not what was known.
    """
    if instant.tzinfo is None:
        raise ValidationError(f"as_of {instant} has no time zone; write one, such as {instant.isoformat()}+00:00")
    name = checked_identifier(table)
    stage = next((stage for suffix, stage in _STAGES.items() if name.endswith(suffix)), Stage.AGGREGATED)
    wanted = {"tier": str(tier) if tier else None, "week_ending": week_ending}
    given = {column: value for column, value in wanted.items() if value is not None}
    where = "".join(f" AND c.{column} = :{column}" for column in given)
    params: dict[str, Any] = {"stage": str(stage), "instant": instant, **given}
    joined = f"JOIN {name} t ON t.capture_id = c.capture_id"
    rows = storage.read_arrow(_KNOWN.format(wanted="t.*", joined=joined, where=where), params)
    if not omit_pruned:  # asked after the rows are read, so that none of them can go unnoticed in between
        gone = _KNOWN.format(
            wanted="c.capture_id, c.pruned_at", joined="", where=f"{where} AND c.pruned_at IS NOT NULL"
        )
        _refuse_pruned(storage.query(gone, params), instant)
    return rows


def _refuse_pruned(pruned: QueryResult, instant: dt.datetime) -> None:
    gone = sorted(f"{row['capture_id']} (pruned on {parse_date(row['pruned_at'])})" for row in pruned)
    if gone:
        more = f" and {len(gone) - _MOST_NAMED} more" if len(gone) > _MOST_NAMED else ""
        raise ValidationError(
            f"retention removed rows that were known at {instant}: {', '.join(gone[:_MOST_NAMED])}{more}; "
            "ask for another week or a later instant, or with omit_pruned=True for what is left"
        )
