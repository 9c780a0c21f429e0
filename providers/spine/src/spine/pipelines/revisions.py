"""What a restatement changed: rows, symbols and concentration of a capture against the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spine.pipelines.normalize import plain_number
from spine.storage.ledger import Capture, RunStamp, Stage, captures_of, stage_metrics
from spine.storage.sql import read_sql

if TYPE_CHECKING:
    from pathlib import Path

    from spine.storage.base import Session


def record_revision(session: Session, folder: Path, capture: Capture, stamp: RunStamp) -> dict[str, Any] | None:
    """Compare a capture with the newest earlier one that was aggregated, and keep the outcome in core_data_revisions.

    :param folder: ``revision/`` of the dataset's SQL: each file gives one row of counts.
    :returns: the impact summary, or None when there is nothing to compare with.
    """
    previous = _previous(session, capture)
    if previous is None:
        return None
    params = {
        "new_no": capture.capture_no,
        "old_no": previous.capture_no,
        "new_id": capture.capture_id,
        "old_id": previous.capture_id,
    }
    impact: dict[str, Any] = {}
    for path in sorted(path for path in folder.glob("*.sql") if "." not in path.stem):
        row = session.query(read_sql(path, session.dialect), params).first or {}
        impact |= {name: _figure(name, value) for name, value in row.items()}
    session.execute("DELETE FROM core_data_revisions WHERE new_capture_id = :new_id", params)
    session.execute(
        "INSERT INTO core_data_revisions (domain, partition_key, previous_capture_id, new_capture_id, revision_type, "
        "impact_summary, detected_at) VALUES (:domain, :partition_key, :old_id, :new_id, :kind, :impact, :now)",
        {
            **params,
            "domain": capture.partition.dataset,
            "partition_key": capture.partition.key,
            "kind": _kind(impact),
            "impact": impact,
            "now": stamp.now,
        },
    )
    return impact


def _figure(name: str, value: Any) -> Any:
    """A count or a quantity, written alike on every database; a ratio is the double it is."""
    return plain_number(value) if name.startswith("volume") or not isinstance(value, float) else value


def _previous(session: Session, capture: Capture) -> Capture | None:
    return next(
        (
            earlier
            for earlier in captures_of(session, capture.partition, capture.summary_type)
            if earlier.revision < capture.revision
            and earlier.pruned_at is None
            and stage_metrics(session, earlier.capture_id, Stage.AGGREGATED)
        ),
        None,
    )


def _kind(impact: dict[str, Any]) -> str:
    """The platform's revision types, and NONE for a forced capture of the same numbers."""
    changed, added, removed = (int(impact.get(f"rows_{what}", 0)) for what in ("changed", "added", "removed"))
    if changed or (added and removed):
        return "CORRECTION"
    if added:
        return "ADDITION"
    return "REMOVAL" if removed else "NONE"
