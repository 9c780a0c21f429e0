"""Stage INGESTED: a source's lines become the rows of a capture, or nothing at all does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spine.core.partitions import capture_id
from spine.core.places import happening
from spine.core.results import StepResult
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.finra.weekly_rows import WeeklyRows
from spine.pipelines.base import lease_key
from spine.pipelines.context import StepContext
from spine.pipelines.intake import Intake, begin_intake
from spine.pipelines.origins import Origin, find_origin
from spine.storage.leases import Lease, lease
from spine.storage.ledger import (
    Capture,
    HoldKind,
    Stage,
    captures_of,
    find_capture,
    finish_capture,
    insert_capture,
    record_rejects,
    record_stage,
)

if TYPE_CHECKING:
    from spine.sources.base import SourceBatch, SourceReading
    from spine.storage.base import Session


STAGED_REASON = "staged: its gates have not let it pass yet"


class _SameContent(Exception):
    """The rows are those of an earlier capture: leave the transaction without a trace."""

    def __init__(self, earlier: Capture) -> None:
        super().__init__(earlier.capture_id)
        self.earlier = earlier


@dataclass(frozen=True, slots=True)
class IngestWeek:
    """Load one week of one tier from a file or from FINRA's API.

    Params: ``source`` (``file`` or ``api``), ``tier`` (or a file name that tells it), ``week_ending`` (or a file that tells
    it; from the API the newest week there), ``summary_type`` (default the dataset's), ``file_path`` (default: the download
    file of that tier and week in the file root), ``file_options`` (see spine.sources.file), ``force`` (capture even when
    nothing changed), ``staged`` (readers do not see the capture until a gate publishes it), ``fallback`` (``file``: the source to
    use where the first one is down).
    """

    dataset: Dataset
    description: str = "Load one week of one tier as a new capture, unless its content is already captured."

    @property
    def name(self) -> str:
        return f"{self.dataset.name}.ingest_week"

    def run(self, context: StepContext) -> StepResult:
        """:raises SpineError: see spine.core.errors; nothing is written then."""
        origin = find_origin(context, self.dataset)
        with closing(origin.reading) as reading, happening(tier=origin.tier, week_ending=origin.week_ending):
            return self._ingest(context, origin, reading)

    def _ingest(self, context: StepContext, origin: Origin, reading: SourceReading) -> StepResult:
        intake, batches = begin_intake(context, self.dataset, origin, reading)
        partition = intake.typer.partition
        with (
            happening(tier=partition.tier, week_ending=partition.week_ending),
            lease(context.storage, lease_key(partition), context.run_id, clock=context.clock) as held,
        ):
            return self._capture(context, held, origin, intake, batches)

    def _capture(
        self, context: StepContext, held: Lease, origin: Origin, intake: Intake, batches: Iterator[SourceBatch]
    ) -> StepResult:
        partition, forced = intake.typer.partition, bool(context.params.get("force"))
        known = captures_of(context.storage, partition, intake.typer.summary_type)
        if not forced and (same := _same_bytes(known, origin)):
            return _unchanged(known[0], same, "the same file", origin)
        now = context.clock()
        name = capture_id(partition, now)
        room = context.storage.room_for(self.dataset.lines_table, partition.week_ending)
        try:
            with happening(but=(_SameContent,), capture_id=name), context.storage.transaction() as session:
                number = insert_capture(session, _opening(context, origin, intake.typer, name, len(known), now))
                loaded = session.bulk_load(room, intake.rows(batches, number))
                intake.reconcile(loaded)
                if not forced:
                    _refuse_known(known, intake.content.hexdigest())
                capture = _close(session, context, origin, intake, name)
                held.confirm(session)
        except _SameContent as same_content:
            return _unchanged(known[0], same_content.earlier, "the same rows", origin)
        context.storage.refresh_statistics(room, loaded)
        return _done(capture, intake, origin)


def _opening(
    context: StepContext, origin: Origin, typer: WeeklyRows, name: str, revision: int, now: dt.datetime
) -> dict[str, Any]:
    """A capture row before its first line is read."""
    staged = bool(context.params.get("staged"))
    return {
        "capture_id": name,
        "domain": typer.partition.dataset,
        "tier": str(typer.partition.tier),
        "week_ending": typer.partition.week_ending,
        "summary_type": typer.summary_type,
        "revision": revision,
        "captured_at": now,
        "source_type": origin.kind,
        "source_name": origin.name,
        "source_bytes": 0,
        "source_sha256": "",
        "content_hash": "",
        "line_count": 0,
        "parsed_count": 0,
        "rejected_count": 0,
        "is_forced": int(bool(context.params.get("force"))),
        "hold_reason": STAGED_REASON if staged else None,
        "hold_kind": str(HoldKind.STAGED) if staged else None,
        "execution_id": context.run_id,
        "batch_id": context.params.get("batch_id"),
    }


def _close(session: Session, context: StepContext, origin: Origin, intake: Intake, name: str) -> Capture:
    """Fill in the totals, record the rejects and the finished stage."""
    counts = {
        "line_count": intake.reading.lines,
        "parsed_count": intake.parsed,
        "rejected_count": len(intake.rejects),
        "source_bytes": intake.reading.bytes_read,
        "source_sha256": intake.reading.sha256,
        "content_hash": intake.content.hexdigest(),
    }
    finish_capture(session, name, {**counts, "source_last_update_date": intake.typer.last_update})
    capture = find_capture(session, name)
    assert capture is not None
    stamp = context.stamp()
    record_rejects(session, capture, Stage.INGESTED, intake.rejects, stamp)
    metrics = {
        **counts,
        "keys_ascend": intake.order.ascends,
        "columns": list(intake.reading.columns),
        **_fallback(origin),
    }
    record_stage(session, capture, Stage.INGESTED, row_count=intake.parsed, metrics=metrics, stamp=stamp)
    return capture


def _same_bytes(known: list[Capture], origin: Origin) -> Capture | None:
    """The capture that came from the same bytes, where the origin can tell them before it is read."""
    candidates = [capture for capture in known if origin.size and capture.source_bytes == origin.size]
    if not candidates or origin.sha256 is None:
        return None
    digest = origin.sha256()
    return next((capture for capture in candidates if capture.source_sha256 == digest), None)


def _refuse_known(known: list[Capture], content_hash: str) -> None:
    """An equal earlier capture makes this one superfluous, also when it is not the newest: then the file is a stale one,
    for FINRA dates every row it touches, so a number that changes back is not the old content again."""
    for capture in known:
        if capture.content_hash == content_hash:
            raise _SameContent(capture)


def _receipt(capture: Capture) -> dict[str, Any]:
    return {
        "capture_id": capture.capture_id,
        "tier": str(capture.partition.tier),
        "week_ending": capture.partition.week_ending.isoformat(),
        "revision": capture.revision,
        "lines": capture.line_count,
        "parsed": capture.parsed_count,
        "rejected": capture.rejected_count,
    }


def _fallback(origin: Origin) -> dict[str, str]:
    """That it is not the source that was asked for."""
    if not origin.instead_of:
        return {}
    return {"fallback_from": origin.instead_of, "fallback_reason": origin.because, "source_name": origin.name}


def _unchanged(newest: Capture, earlier: Capture, what: str, origin: Origin) -> StepResult:
    stale = "" if earlier == newest else f", superseded by {newest.capture_id}"
    same = f"unchanged: {what} as {earlier.capture_id}{stale}"
    return StepResult.unchanged(same, **_receipt(newest), source=origin.kind, **_fallback(origin))


def _done(capture: Capture, intake: Intake, origin: Origin) -> StepResult:
    what = f"revision {capture.revision} of" if capture.revision else "captured"
    message = f"{what} {capture.partition}: {capture.parsed_count:,} rows, {capture.rejected_count:,} rejects"
    more = {"source": origin.kind, **_fallback(origin), "seconds": intake.progress.seconds}
    return StepResult.done(message, **_receipt(capture), **more)


ingest_week = IngestWeek(OTC_TRANSPARENCY)
