"""What the seconds from file to venue volume are made of, each part alone: for a process of its own (benchmarks/child.py)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.databases import open_upgraded
from benchmarks.week_files import WEEK_ENDING, week_params
from benchmarks.week_runs import run_pipelines

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.storage.base import Storage

_LINES = "finra_otc_transparency_lines"


class Watch:
    """Seconds by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


def parts(url: str, file: str, small_file: str) -> dict[str, Any]:
    """Parsing and loading alone, one after the other, which the pipeline does at the same time, and the pipelines whole.

    :param small_file: a few rows of an earlier week: what a capture costs before its first row.
    """
    watch = Watch()
    with open_upgraded(url) as storage:
        with watch.part("imports"):
            import_all(storage, Path(small_file))
        with watch.part("fixed"):
            _pipelines(storage, Path(small_file), forced=True)
        whole = _pipelines(storage, Path(file))
        batches = parsed(Path(file), watch)
        _loaded(storage, batches, watch)
    seconds = {name: round(each, 3) for name, each in watch.seconds.items()}
    return {"rows": sum(batch.num_rows for batch in batches), **seconds, **whole}


def import_all(storage: Storage, small_file: Path) -> None:
    """Have a few rows of an earlier week go the whole way, and with them every library that is only imported on it."""
    _pipelines(storage, small_file)


def parsed(file: Path, watch: Watch | None = None) -> list[pa.RecordBatch]:
    """The rows as the pipeline types them, with what each step of it takes."""
    from spine.core.partitions import Partition
    from spine.core.tiers import Tier
    from spine.finra.dataset import OTC_TRANSPARENCY
    from spine.finra.layout import Layout
    from spine.finra.weekly_rows import WeeklyRows
    from spine.pipelines.content_hash import ContentHash
    from spine.pipelines.key_order import KeyOrder
    from spine.sources.file import FileSource

    watch = watch or Watch()
    content, order = ContentHash(), KeyOrder()
    typed: list[pa.RecordBatch] = []
    reading = FileSource(file, root=file.parent).read()
    partition = Partition(OTC_TRANSPARENCY.name, Tier.T1, WEEK_ENDING)
    typer = WeeklyRows(Layout.detect(reading.columns, file.name), partition, OTC_TRANSPARENCY.summary_types[0])
    pending = iter(reading)
    while True:
        with watch.part("read"):
            batch = next(pending, None)
        if batch is None:
            reading.close()
            return typed
        with watch.part("type"):
            typed.append(typer.type(batch).rows)
        with watch.part("hash"):
            content.add(typed[-1])
        with watch.part("key_order"):
            order.add(typed[-1])


def _loaded(storage: Storage, batches: list[pa.RecordBatch], watch: Watch) -> None:
    """The rows in the lines table, as those of one more capture of the week."""
    import pyarrow as pa

    number = int(f"{WEEK_ENDING:%Y%m%d}") * 10**10 + 10**9  # of the week, and nobody else's
    room = storage.room_for(_LINES, WEEK_ENDING)
    marked = [batch.add_column(0, "capture_no", pa.repeat(pa.scalar(number), batch.num_rows)) for batch in batches]
    with watch.part("load"), storage.transaction() as session:
        session.bulk_load(room, marked)


def _pipelines(storage: Storage, file: Path, *, forced: bool = False) -> dict[str, float]:
    params = {**week_params(file), "force": forced}
    return run_pipelines(storage, params, file.parent, ("ingest_week", "normalize_week"))[1]
