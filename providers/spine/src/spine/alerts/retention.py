"""Old alerts: what was handled and delivered long ago may go."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spine.storage.base import Storage

_OLD = {
    "alert_history": "sent_at < :before",
    "core_alert_deliveries": "status <> 'PENDING' AND created_at < :before",
    "core_alert_silences": "expires_at < :before",
    "core_alert_throttle": "window_started_at < :before",
    "core_alerts": "handled_at IS NOT NULL AND raised_at < :before",
}


def prune_alerts(storage: Storage, before: dt.datetime) -> dict[str, int]:
    """Remove what is over; how many rows of each table. What waits stays, however old."""
    with storage.transaction() as session:
        return {
            table: session.execute(f"DELETE FROM {table} WHERE {where}", {"before": before})
            for table, where in _OLD.items()
        }
