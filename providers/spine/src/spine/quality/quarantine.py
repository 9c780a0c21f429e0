"""Rows that a gate sets aside: out of what is published, kept with their content, to be browsed and replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spine.core.errors import LoadError
from spine.core.rejects import Reject
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.normalize import reject_of_line
from spine.storage.ledger import QUARANTINED, Capture, RunStamp, record_rejects

if TYPE_CHECKING:
    from spine.storage.base import Session


def quarantine(
    session: Session,
    capture: Capture,
    reason_code: str,
    condition: str,
    why: str,
    stamp: RunStamp,
    dataset: Dataset = OTC_TRANSPARENCY,
) -> int:
    """Set aside the lines for which a condition holds and that no other rule took; how many.

    :param condition: SQL of the suite's file.
    :raises LoadError: not every line could be marked.
    """
    chosen = f"capture_no = :capture_no AND reason_code IS NULL AND ({condition})"
    number = {"capture_no": capture.capture_no}
    rows = session.query(f"SELECT * FROM {dataset.lines_table} WHERE {chosen} ORDER BY line_number", number)
    rejects: list[Reject] = [reject_of_line(row, reason_code, why or condition) for row in rows]
    record_rejects(session, capture, QUARANTINED, rejects, stamp)
    marked = session.execute(
        f"UPDATE {dataset.lines_table} SET reason_code = :reason_code WHERE {chosen}",
        {**number, "reason_code": reason_code},
    )
    if marked not in (len(rejects), -1):
        raise LoadError(f"{capture.capture_id}: {len(rejects)} lines to set aside, {marked} marked")
    return len(rejects)
