"""What is stored against what the source has today: read again, row by row, and stored nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spine.alerts.model import AlertSeverity
from spine.core.errors import SpineError
from spine.finra.dataset import Dataset
from spine.pipelines.intake import begin_intake
from spine.pipelines.origins import find_origin
from spine.quality.assessment.issues import Check, Issue, shown
from spine.quality.gaps import refresh_args

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext
    from spine.quality.assessment.published import Published

_STORED = "SELECT ROUND(SUM(total_shares), 6) AS shares, SUM(total_trades) AS trades FROM {lines} WHERE capture_no = :capture_no"
_REPLAYED = "replay"


def against_source(
    context: StepContext, dataset: Dataset, summary_type: str, published: Sequence[Published], kind: str
) -> Iterator[Issue]:
    """A week whose source has other rows today, or that cannot be read.

    :param kind: ``file`` or ``api``; ``same`` asks where each capture came from.
    """
    for number, each in enumerate(published, 1):
        context.log.info("source: %s %s (%d of %d)", each.tier, each.week_ending, number, len(published))
        try:
            found = _compared(context, dataset, summary_type, each, kind)
        except SpineError as error:
            found = f"the source could not be read: {error.message}"
            severity = AlertSeverity.WARNING
        else:
            severity = AlertSeverity.ERROR
        if found:
            of_source = each.source_type if kind == "same" else kind
            command = " ".join(refresh_args(each.tier, each.week_ending, source=of_source))
            about = "unread" if severity is AlertSeverity.WARNING else "rows"
            yield Issue(
                Check.SOURCE, severity, about, found, each.tier, each.week_ending, each.capture_id, 1, command
            )  # fmt: skip


def _compared(context: StepContext, dataset: Dataset, summary_type: str, each: Published, kind: str) -> str:
    """What differs, in words; empty where nothing does."""
    capture_type = each.source_type if kind == "same" else kind
    if capture_type == _REPLAYED:  # made from stored lines; its content is that of the capture before it
        capture_type = "file"
    params: dict[str, Any] = {
        "source": capture_type,
        "tier": str(each.tier),
        "week_ending": each.week_ending.isoformat(),
        "summary_type": summary_type,
    }
    if capture_type == "file" and each.source_type == "file":
        params["file_path"] = each.source_name
    asked = replace(context, params=params)
    stored_hash = context.storage.query(
        "SELECT content_hash FROM core_captures WHERE capture_id = :capture_id", {"capture_id": each.capture_id}
    ).scalar
    origin = find_origin(asked, dataset)
    with closing(origin.reading) as reading:
        intake, batches = begin_intake(asked, dataset, origin, reading)
        shares, trades = 0, 0
        for rows in intake.rows(batches, each.capture_no):
            shares, trades = shares + _sum(rows, "total_shares"), trades + _sum(rows, "total_trades")
    if intake.content.hexdigest() == stored_hash:
        return ""
    stored = context.storage.query(_STORED.format(lines=dataset.lines_table), {"capture_no": each.capture_no}).first
    assert stored is not None
    return (
        f"{origin.name} has other rows today: {intake.parsed:,} rows, {shown(shares)} shares, {trades:,} trades; "
        f"stored are {each.parsed_count:,}, {shown(stored['shares'])}, {int(stored['trades']):,}"
    )


def _sum(rows: Any, column: str) -> Any:
    import pyarrow.compute as pc

    return pc.sum(rows.column(column)).as_py() or 0
