"""One pass over a source: typed rows come out, everything else is counted, and in the end it all adds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from spine.core.errors import LoadError, SourceError
from spine.core.partitions import Partition
from spine.core.prefetch import prefetch
from spine.core.rejects import Reject
from spine.core.weeks import NEW_YORK, require_published
from spine.finra.file_week import resolve_week
from spine.finra.layout import Layout
from spine.finra.weekly_rows import TypedBatch, WeeklyRows
from spine.pipelines.base import given_summary_type
from spine.pipelines.content_hash import ContentHash
from spine.pipelines.key_order import KeyOrder
from spine.pipelines.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.finra.dataset import Dataset
    from spine.pipelines.context import StepContext
    from spine.pipelines.origins import Origin
    from spine.sources.base import SourceBatch, SourceReading

MAX_REJECTS = 100_000


@dataclass(slots=True)
class Intake:
    """The rows of one capture on their way in.

    :param source: what people call the source, for messages.
    """

    source: str
    reading: SourceReading
    typer: WeeklyRows
    progress: Progress
    content: ContentHash = field(default_factory=ContentHash)
    order: KeyOrder = field(default_factory=KeyOrder)
    parsed: int = 0
    rejects: list[Reject] = field(default_factory=list)

    def rows(self, batches: Iterator[SourceBatch], capture_no: int) -> Iterator[pa.RecordBatch]:
        """Rows for the lines table.

        :raises SourceError: more rejects than any right file has.
        """
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
            self.order.add(typed.rows)
            yield typed

    def _refuse_hopeless(self) -> None:
        if len(self.rejects) > MAX_REJECTS:
            raise SourceError(
                f"{self.source}: more than {MAX_REJECTS:,} lines were rejected, the first {self._example()}; "
                "is this the right file?"
            )

    def reconcile(self, loaded: int) -> None:
        """Every line is a row or a reject, and every row is in the database.

        :raises SourceError: no line could be parsed.
        :raises LoadError: the counts do not add up.
        """
        if self.parsed == 0:
            why = f"; the first: {self._example()}" if self.rejects else ""
            raise SourceError(f"{self.source}: none of its {self.reading.lines:,} lines is a row{why}")
        if self.parsed + len(self.rejects) != self.reading.lines or loaded != self.parsed:
            raise LoadError(
                f"{self.source}: {self.reading.lines:,} lines do not equal {self.parsed:,} parsed + "
                f"{len(self.rejects):,} rejected, {loaded:,} loaded"
            )

    def _example(self) -> str:
        first = self.rejects[0]
        return f"line {first.line_number}, {first.reason_code}: {first.reason_detail}"


def begin_intake(
    context: StepContext, dataset: Dataset, origin: Origin, reading: SourceReading
) -> tuple[Intake, Iterator[SourceBatch]]:
    """What takes a source's rows in, and those rows from the first one on: its columns, week and tier are known to fit.

    :raises SpineError: another layout, week or tier than was asked for, a week that is not out yet, or no row at all.
    """
    summary_type = given_summary_type(context, dataset)
    layout = Layout.detect(reading.columns, origin.name, per_venue=dataset.per_venue(summary_type))
    batches = iter(reading)
    head = _until_rows(batches)
    if not head:
        raise SourceError(f"{origin.name}: a header and no lines; expected one line per symbol and venue")
    if not head[-1].rows.num_rows:
        raise SourceError(f"{origin.name}: none of its first {reading.lines:,} lines is a row; {_first_reject(head)}")
    week_ending = resolve_week(layout, head[-1], origin.tier, origin.week_ending, origin.name)
    require_published(origin.tier, week_ending, context.clock())
    partition = Partition(dataset.name, origin.tier, week_ending)
    typer = WeeklyRows(layout, partition, summary_type, context.clock().astimezone(NEW_YORK).date())
    progress = Progress(context.log, origin.name, origin.size)
    return Intake(origin.name, reading, typer, progress), chain(head, batches)


def _until_rows(batches: Iterator[SourceBatch]) -> list[SourceBatch]:
    """Batches up to the first one with rows: what comes before may be comments alone. Gives up where no right file would."""
    head: list[SourceBatch] = []
    for batch in batches:
        head.append(batch)
        if batch.rows.num_rows or sum(len(each.rejects) for each in head) > MAX_REJECTS:
            break
    return head


def _first_reject(head: list[SourceBatch]) -> str:
    first = next(line for batch in head for line in batch.rejects)
    return f"the first: line {first.line_number}, {first.reason_code}: {first.detail}"
