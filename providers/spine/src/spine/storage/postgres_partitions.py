"""Tables that PostgreSQL keeps in partitions by week: one partition for each year, made when its first week comes.

Capture numbers lead with the week (migration 0006), so a range of them is a range of weeks.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spine.core.errors import PermissionDenied
from spine.storage.sql import checked_identifier

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

_WAIT = "30s"
_SERIALS = 10**10  # capture numbers that begin with the same week
_PARTITIONS = (
    "SELECT quote_ident(n.nspname) AS schema_name, l.relname::text AS partition, "
    "pg_get_expr(l.relpartbound, l.oid) AS bounds FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace "
    "LEFT JOIN pg_inherits i ON i.inhparent = t.oid LEFT JOIN pg_class l ON l.oid = i.inhrelid "
    "WHERE t.oid = to_regclass(:table) AND t.relkind = 'p' AND pg_get_partkeydef(t.oid) = 'RANGE (capture_no)'"
)
_BOUNDS = re.compile(r"FOR VALUES FROM \('?(\d+)'?\) TO \('?(\d+)'?\)")


@dataclass(frozen=True, slots=True)
class _Partitions:
    """Those of one table, with the capture numbers each begins and ends (exclusively) with."""

    schema: str
    bounds: dict[str, tuple[int, int]]

    def holding(self, week_ending: dt.date) -> str | None:
        number = _first_number(week_ending)
        return next((name for name, (start, end) in self.bounds.items() if start <= number < end), None)


def room_for(storage: Storage, table: str, week_ending: dt.date) -> str:
    """The partition that holds a week's rows, made when missing; ``table`` itself where it is not partitioned by week."""
    found = _partitions(storage, table)
    if found is None:
        return table
    if there := found.holding(week_ending):
        return there
    try:
        return _make(storage, table, week_ending)
    except PermissionDenied as error:
        raise PermissionDenied(
            f"{table} has no partition for {week_ending}; its owner makes those of this year and the next by "
            f"`airflow spine db upgrade`: {error.message}"
        ) from error


def lacks_room(reader: Session | Storage, table: str, week_ending: dt.date) -> bool:
    """Whether a week has no partition, and this account may make none."""
    found = _partitions(reader, table)
    if found is None or found.holding(week_ending):
        return False
    owned = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(:table)"
    return not reader.query(owned, {"table": table}).scalar


def _make(storage: Storage, table: str, week_ending: dt.date) -> str:
    with storage.transaction() as session:
        session.execute(f"SET LOCAL lock_timeout = '{_WAIT}'")
        # Only another who makes a partition, or ANALYZE of the whole table, waits for this lock: no read and no write.
        session.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
        found = _partitions(session, table)
        assert found is not None
        return found.holding(week_ending) or _attach(session, found.schema, table, week_ending.year)


def _attach(session: Session, schema: str, table: str, year: int) -> str:
    """Made beside the table and attached: CREATE TABLE ... PARTITION OF would wait for every reader."""
    name = checked_identifier(f"{table}_{year}")
    session.execute(f"CREATE TABLE {schema}.{name} (LIKE {table} INCLUDING ALL)")
    session.execute(f"ALTER TABLE {schema}.{name} ALTER COLUMN capture_no SET STATISTICS 1")  # see migration 0006
    start, end = (_first_number(dt.date(first, 1, 1)) for first in (year, year + 1))
    session.execute(f"ALTER TABLE {table} ATTACH PARTITION {schema}.{name} FOR VALUES FROM ({start}) TO ({end})")
    return name


def _partitions(reader: Session | Storage, table: str) -> _Partitions | None:
    """The partitions of a table that is partitioned by week, else None."""
    rows = list(reader.query(_PARTITIONS, {"table": checked_identifier(table)}))
    if not rows:
        return None
    bounds = {row["partition"]: _BOUNDS.match(row["bounds"] or "") for row in rows}
    return _Partitions(
        rows[0]["schema_name"], {name: (int(found[1]), int(found[2])) for name, found in bounds.items() if found}
    )


def _first_number(day: dt.date) -> int:
    return int(f"{day:%Y%m%d}") * _SERIALS
