"""Stage INGESTED: a source's lines become the rows of a capture, or nothing at all does."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError, LoadError, SourceError, ValidationError
from spine.core.partitions import Partition, capture_id
from spine.core.prefetch import prefetch
from spine.core.rejects import Reject
from spine.core.results import StepResult
from spine.core.tiers import Tier
from spine.core.weeks import require_published
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.finra.files import find_download, tier_of_name
from spine.finra.weekly_rows import Layout, TypedBatch, WeeklyRows, resolve_week
from spine.pipelines.base import given_tier, given_week, lease_key
from spine.pipelines.content_hash import ContentHash
from spine.pipelines.context import StepContext
from spine.pipelines.progress import Progress
from spine.storage.leases import Lease, lease
from spine.storage.ledger import (
    Capture,
    Stage,
    captures_of,
    find_capture,
    finish_capture,
    insert_capture,
    record_rejects,
    record_stage,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.sources.base import SourceBatch, SourceReading
    from spine.storage.base import Session

MAX_REJECTS = 100_000


class _SameContent(Exception):
    """The rows are those of an earlier capture: leave the transaction without a trace."""

    def __init__(self, earlier: Capture) -> None:
        super().__init__(earlier.capture_id)
        self.earlier = earlier


@dataclass(slots=True)
class _Intake:
    """One pass over a source: typed rows come out, everything else is counted."""

    reading: SourceReading
    typer: WeeklyRows
    progress: Progress
    content: ContentHash = field(default_factory=ContentHash)
    parsed: int = 0
    rejects: list[Reject] = field(default_factory=list)

    def rows(self, batches: Iterator[SourceBatch], capture_no: int) -> Iterator[pa.RecordBatch]:
        """Rows for the lines table."""
        import pyarrow as pa

        for typed in prefetch(self._typed(batches)):
            self.parsed += typed.rows.num_rows
            self.rejects.extend(typed.rejects)
            self._refuse_hopeless()
            self.progress.advance(typed.rows.num_rows, self.reading.bytes_read)
            number = pa.repeat(pa.scalar(capture_no, pa.int64()), typed.rows.num_rows)
            yield typed.rows.add_column(0, "capture_no", number)

    def _typed(self, batches: Iterator[SourceBatch]) -> Iterator[TypedBatch]:
        for batch in batches:
            typed = self.typer.type(batch)
            self.content.add(typed.rows)
            yield typed

    def _refuse_hopeless(self) -> None:
        if len(self.rejects) > MAX_REJECTS:
            raise SourceError(
                f"more than {MAX_REJECTS:,} lines were rejected, the first {_example(self.rejects)}; is this the right file?"
            )

    def reconcile(self, source: str, loaded: int) -> None:
        """Every line is a row or a reject, and every row is in the database.

        :raises SourceError: no line could be parsed.
        :raises LoadError: the counts do not add up.
        """
        if self.parsed == 0:
            why = f"; the first: {_example(self.rejects)}" if self.rejects else ""
            raise SourceError(f"{source}: none of its {self.reading.lines:,} lines is a row{why}")
        if self.parsed + len(self.rejects) != self.reading.lines or loaded != self.parsed:
            raise LoadError(
                f"{source}: {self.reading.lines:,} lines do not equal {self.parsed:,} parsed + {len(self.rejects):,} rejected, "
                f"{loaded:,} loaded"
            )


@dataclass(frozen=True, slots=True)
class IngestWeek:
    """Load one week of one tier from a file.

    Params: ``tier`` (or a file name that tells it), ``week_ending`` (or a file that tells it), ``source`` (``file``),
    ``file_path`` (default: the download file of that tier and week in the file root), ``force`` (capture even when nothing
    changed), ``file_options`` (``format``, ``encoding``, ``delimiter``, ``quote_char``).
    """

    dataset: Dataset
    description: str = "Load one week of one tier as a new capture, unless it is the same as the newest one."

    @property
    def name(self) -> str:
        return f"{self.dataset.name}.ingest_week"

    def run(self, context: StepContext) -> StepResult:
        """:raises SpineError: see spine.core.errors; nothing is written then."""
        path, tier, options = self._locate(context)
        from spine.sources.file import FileSource

        source = FileSource(path, root=context.settings.file_root, **options)
        reading = source.read()
        layout = Layout.detect(reading.columns, source.name)
        batches = iter(reading)
        head = _until_rows(batches)
        if not head:
            raise SourceError(f"{source.name}: a header and no lines; expected one line per symbol and venue")
        week_ending = resolve_week(layout, head[-1], tier, given_week(context), source.name)
        require_published(tier, week_ending, context.clock())
        partition = Partition(self.dataset.name, tier, week_ending)
        key = lease_key(partition)
        with lease(context.storage, key, context.run_id, clock=context.clock) as held:
            intake = _Intake(
                reading,
                WeeklyRows(layout, partition, self.dataset.summary_type),
                Progress(context.log, source.name, path.stat().st_size),
            )
            return self._capture(context, held, intake, path, source.name, chain(head, batches))

    def _locate(self, context: StepContext) -> tuple[Path, Tier, dict[str, Any]]:
        kind = context.params.get("source") or "file"
        if kind != "file":
            raise ConfigurationError(f"source {kind!r} is not available; expected file")
        tier, root = given_tier(context), context.settings.file_root
        from spine.sources.paths import resolve_inside

        if given := context.params.get("file_path"):
            path = resolve_inside(given, root)
            tier = tier or tier_of_name(path)
        if tier is None:
            raise ValidationError("which tier? Pass tier, or a file_path whose name tells it (tier1, tier2, otc)")
        if not given:
            path = find_download(root, tier, given_week(context))
        return path, tier, dict(context.params.get("file_options") or {})

    def _capture(
        self,
        context: StepContext,
        held: Lease,
        intake: _Intake,
        path: Path,
        source: str,
        batches: Iterator[SourceBatch],
    ) -> StepResult:
        partition, forced = intake.typer.partition, bool(context.params.get("force"))
        known = captures_of(context.storage, partition, self.dataset.summary_type)
        if not forced and (same := _same_bytes(known, path)):
            return _unchanged(known[0], same, "the same file")
        now = context.clock()
        name = capture_id(partition, now)
        try:
            with context.storage.transaction() as session:
                number = insert_capture(session, self._opening(context, partition, name, len(known), source, now))
                loaded = session.bulk_load(self.dataset.lines_table, intake.rows(batches, number))
                intake.reconcile(source, loaded)
                if not forced:
                    _refuse_known(known, intake.content.hexdigest())
                capture = self._close(session, context, intake, name, now)
                held.confirm(session)
        except _SameContent as same_content:
            return _unchanged(known[0], same_content.earlier, "the same rows")
        return _done(capture, intake)

    def _opening(
        self,
        context: StepContext,
        partition: Partition,
        name: str,
        revision: int,
        source: str,
        now: dt.datetime,
    ) -> dict[str, Any]:
        """A capture row before its first line is read."""
        return {
            "capture_id": name,
            "domain": partition.dataset,
            "tier": str(partition.tier),
            "week_ending": partition.week_ending,
            "summary_type": self.dataset.summary_type,
            "revision": revision,
            "captured_at": now,
            "source_type": "file",
            "source_name": source,
            "source_bytes": 0,
            "source_sha256": "",
            "content_hash": "",
            "line_count": 0,
            "parsed_count": 0,
            "rejected_count": 0,
            "is_forced": int(bool(context.params.get("force"))),
            "execution_id": context.run_id,
            "batch_id": context.params.get("batch_id"),
        }

    def _close(self, session: Session, context: StepContext, intake: _Intake, name: str, now: dt.datetime) -> Capture:
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
        record_stage(session, capture, Stage.INGESTED, row_count=intake.parsed, metrics=counts, stamp=stamp)
        return capture


def _until_rows(batches: Iterator[SourceBatch]) -> list[SourceBatch]:
    """Batches up to the first one with rows: what comes before may be comments alone."""
    head = []
    for batch in batches:
        head.append(batch)
        if batch.rows.num_rows:
            break
    return head


def _same_bytes(known: list[Capture], path: Path) -> Capture | None:
    """The capture that came from a file of the same bytes."""
    size = path.stat().st_size
    candidates = [capture for capture in known if capture.source_bytes == size]
    if not candidates:
        return None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return next((capture for capture in candidates if capture.source_sha256 == digest), None)


def _refuse_known(known: list[Capture], content_hash: str) -> None:
    """An equal earlier capture makes this one superfluous, also when it is not the newest: then the file is a stale one,
    for FINRA dates every row it touches, so a number that changes back is not the old content again."""
    for capture in known:
        if capture.content_hash == content_hash:
            raise _SameContent(capture)


def _example(rejects: list[Reject]) -> str:
    first = rejects[0]
    return f"line {first.line_number}, {first.reason_code}: {first.reason_detail}"


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


def _unchanged(newest: Capture, earlier: Capture, what: str) -> StepResult:
    stale = "" if earlier == newest else f", superseded by {newest.capture_id}"
    return StepResult.unchanged(f"unchanged: {what} as {earlier.capture_id}{stale}", **_receipt(newest))


def _done(capture: Capture, intake: _Intake) -> StepResult:
    what = f"revision {capture.revision} of" if capture.revision else "captured"
    message = f"{what} {capture.partition}: {capture.parsed_count:,} rows, {capture.rejected_count:,} rejects"
    return StepResult.done(message, **_receipt(capture), seconds=intake.progress.seconds)


ingest_week = IngestWeek(OTC_TRANSPARENCY)
