"""What was known at an instant: rows of the captures that were the newest ones then."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.storage.ledger import Stage
from spine.storage.sql import checked_identifier

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.storage.base import Storage

_STAGES = {"venue_volume": Stage.NORMALIZED, "symbol_rolling": Stage.ROLLING}


def read_as_of(
    storage: Storage,
    table: str,
    instant: dt.datetime,
    *,
    tier: Tier | None = None,
    week_ending: dt.date | None = None,
) -> pa.Table:
    """Rows of a derived table or of venue_volume as a reader of its ``_latest`` view saw them at ``instant``.

    A capture counts from the moment the table's stage was finished. Holds are those of today: they are not dated.

    :param table: such as ``finra_otc_transparency_symbol_summary``, without ``_latest``.
    :param instant: timezone-aware.
    :raises ValidationError: an instant without a time zone.
    """
    if instant.tzinfo is None:
        raise ValidationError(f"as_of {instant} has no time zone; write one, such as {instant.isoformat()}+00:00")
    name = checked_identifier(table)
    stage = next((stage for suffix, stage in _STAGES.items() if name.endswith(suffix)), Stage.AGGREGATED)
    values: dict[str, Any] = {"stage": str(stage), "instant": instant}
    wanted = {"tier": str(tier) if tier else None, "week_ending": week_ending}
    given = {column: value for column, value in wanted.items() if value is not None}
    where = "".join(f" AND c.{column} = :{column}" for column in given)
    return storage.read_arrow(
        f"SELECT t.* FROM {name} t JOIN core_captures c ON c.capture_id = t.capture_id "
        "JOIN core_manifest m ON m.capture_id = c.capture_id AND m.stage = :stage AND m.updated_at <= :instant "
        f"WHERE c.hold_reason IS NULL{where} AND NOT EXISTS ("
        "SELECT 1 FROM core_captures n JOIN core_manifest r ON r.capture_id = n.capture_id AND r.stage = :stage "
        "AND r.updated_at <= :instant WHERE n.domain = c.domain AND n.tier = c.tier AND n.week_ending = c.week_ending "
        "AND n.summary_type = c.summary_type AND n.revision > c.revision AND n.hold_reason IS NULL)",
        {**values, **given},
    )
