"""Rows per second through IBM's driver over DRDA against Apache Derby, not Db2: Db2Storage.bulk_load beside insert_rows.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_db2_wire --quick

The same rows of a week into the lines table, from Arrow batches or from tuples that are ready, each in a new process and a
new schema. Derby, through a relay in Python, sets the pace, so this compares ways to send rows and says nothing of Db2's
speed. Derby takes no chained arrays: every row is a message of its own here, also of an executemany.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import child
from benchmarks.breakdown import parsed
from benchmarks.command_line import Sizes
from benchmarks.databases import open_upgraded
from benchmarks.progress import Progress
from benchmarks.report import Columns, Report
from benchmarks.week_files import week_file

if TYPE_CHECKING:
    import pyarrow as pa

_TABLE = "finra_otc_transparency_lines"
_WAYS = {
    "bulk_load": "Db2Storage.bulk_load",
    "insert_rows": "DbApiHook.insert_rows",
    "insert_rows_executemany": "DbApiHook.insert_rows(executemany=True)",
}
_NOTES = ("IBM's driver over DRDA against Apache Derby, not Db2: ways to send rows compared, not Db2's speed.",)
_COLUMNS: Columns = {
    "way": "way",
    "rows": "rows",
    "seconds": "seconds",
    "rows/s": "rows_per_second",
    "insert_rows = 1": "speed",
    "peak MB above interpreter": "peak_megabytes",
}


def main() -> None:
    sizes = Sizes(__doc__)
    sizes.add("rows", full=50_000, quick=1_000)
    sizes.add("repeat", full=3, quick=1)
    args = sizes.parse()
    from tests.support.db2_wire.server import Db2WireUnavailable, running_db2_wire

    report = Report("db2_wire", "IBM's driver over DRDA against Apache Derby, not Db2", _NOTES)
    try:
        with running_db2_wire() as server, tempfile.TemporaryDirectory(prefix="spine-bench-") as name:
            results = measure(server, week_file(Path(name), args.rows), args)
    except Db2WireUnavailable as reason:
        print(f"left out: {reason}")
        return
    report.table("results", results, _COLUMNS)
    if args.save:
        report.save()


def measure(server: Any, file: Path, args: argparse.Namespace) -> list[dict[str, Any]]:
    progress = Progress(len(_WAYS) * args.repeat)
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in _WAYS}
    for _ in range(args.repeat):
        for way, done in runs.items():
            done.append(child.run(f"benchmarks.bench_db2_wire:{way}", server.new_schema(), file))
            progress.advance(1, f"{_WAYS[way]}: {done[-1]['seconds']} s")
    best = {way: min(done, key=lambda run: float(run["seconds"])) for way, done in runs.items()}
    usual = best["insert_rows"]["rows"] / best["insert_rows"]["seconds"]
    return [
        {
            "way": _WAYS[way],
            **run,
            "rows_per_second": round(run["rows"] / run["seconds"]),
            "speed": round(run["rows"] / run["seconds"] / usual, 2),
        }
        for way, run in best.items()
    ]


def bulk_load(url: str, file: str) -> dict[str, Any]:
    batches = _rows(file)
    with open_upgraded(url) as storage:
        started = time.perf_counter()
        with storage.transaction() as session:
            loaded = session.bulk_load(_TABLE, batches)
        return {"rows": loaded, "seconds": round(time.perf_counter() - started, 3)}


def insert_rows(url: str, file: str, **options: Any) -> dict[str, Any]:
    """Airflow's way: a commit after each thousand rows."""
    from benchmarks.airflow_hooks import plain_hook

    batches = _rows(file)
    rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    with open_upgraded(url) as storage:
        hook = plain_hook("db2", lambda: _connect(url))
        started = time.perf_counter()
        hook.insert_rows(_TABLE, rows, target_fields=batches[0].schema.names, **options)
        seconds = time.perf_counter() - started
        loaded = storage.query(f"SELECT COUNT(*) FROM {_TABLE}").scalar
    return {"rows": loaded, "seconds": round(seconds, 3)}


def insert_rows_executemany(url: str, file: str) -> dict[str, Any]:
    return insert_rows(url, file, executemany=True)


def _rows(file: str) -> list[pa.RecordBatch]:
    """The rows of one capture, as the pipeline loads them."""
    import pyarrow as pa

    return [batch.add_column(0, "capture_no", pa.array([1] * batch.num_rows)) for batch in parsed(Path(file))]


def _connect(url: str) -> Any:
    """The driver's own connection."""
    import ibm_db_dbi

    from spine.storage.db2_place import Db2Place

    place = Db2Place.from_url(url)
    connection = ibm_db_dbi.connect(place.connection_string(), "", "")
    connection.cursor().execute(f'SET CURRENT SCHEMA "{place.schema}"')
    return connection


if __name__ == "__main__":
    main()
