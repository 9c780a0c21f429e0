"""What PostgreSQL's planner knows of a table, renewed when a load has made it untrue.

Autovacuum would do it within a minute or so; until then the reads after a large load are planned for another table.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from spine.core.errors import SpineError
from spine.storage.sql import checked_identifier

if TYPE_CHECKING:
    from spine.storage.base import Storage

_FEW = 1000  # rows for which not even a look at the catalog pays
_GROWTH = 0.1  # of the rows counted last: as autovacuum's own default
# Never counted: -1 rows. What other sessions changed is told with a delay.
_KNOWN = (
    "SELECT reltuples AS counted, COALESCE(pg_stat_get_mod_since_analyze(oid), 0) AS changed FROM pg_class "
    "WHERE oid = to_regclass(:table) AND relkind = 'r'"
)


def refresh_statistics(storage: Storage, table: str, rows: int) -> None:
    """ANALYZE a table or partition to which ``rows`` were added, where that is much of it; readers and writers go on."""
    if rows < _FEW:
        return
    with suppress(SpineError):  # the rows are safe, and a plan is only slower
        known = storage.query(_KNOWN, {"table": checked_identifier(table)}).first
        if known and max(rows, known["changed"]) > _GROWTH * known["counted"]:
            storage.execute(f"ANALYZE (SKIP_LOCKED) {table}")  # whoever holds the lock does the same
