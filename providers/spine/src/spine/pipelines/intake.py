"""One pass over a source: typed rows come out, everything else is counted, and in the end it all adds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spine.core.errors import LoadError, SourceError
from spine.core.prefetch import prefetch
from spine.core.rejects import Reject
from spine.finra.weekly_rows import TypedBatch, WeeklyRows
from spine.pipelines.content_hash import ContentHash
from spine.pipelines.key_order import KeyOrder
from spine.pipelines.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa

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
