"""A result of a million rows out of the database: Spine's Arrow beside pandas.read_sql and a cursor's fetchall.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_read --quick

One week's venue volume, the columns that analysts read, each way in a new process. Exports go to a Parquet file on the same
disk; Spine's also sorts the rows and holds them against the ledger. Imports are not timed. In turn, the minimum of the repeats
counts.
"""

from __future__ import annotations

import argparse

# The project bans it, as two SQLite libraries on one file of one process undo each other's locks; here it is the only one.
import sqlite3  # noqa: TID251
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import child
from benchmarks.command_line import Sizes
from benchmarks.databases import Place, open_upgraded, places
from benchmarks.progress import Progress
from benchmarks.report import Columns, Report, grouped_bars
from benchmarks.week_files import week_file, week_params
from benchmarks.week_runs import run_pipelines

if TYPE_CHECKING:
    from spine.storage.base import Storage

_NAMES = (
    "symbol",
    "mpid",
    "issue_name",
    "venue_name",
    "total_shares",
    "total_trades",
    "source_last_update_date",
    "line_number",
)
_QUERY = f"SELECT {', '.join(_NAMES)} FROM finra_otc_transparency_venue_volume_latest"
_WAYS = {
    "arrow": "storage.read_arrow",
    "typed_frame": "spine.storage.frames.read_pandas",
    "pandas": "pandas.read_sql",
    "fetchall": "cursor.fetchall",
    "spine_parquet": "airflow spine export, Parquet",
    "pandas_parquet": "pandas.read_sql and to_parquet",
}
_COLUMNS: Columns = {
    "database": "database",
    "way": "way",
    "rows": "rows",
    "seconds": "seconds",
    "rows/s": "rows_per_second",
    "peak MB above interpreter": "peak_megabytes",
}


def main() -> None:
    sizes = Sizes(__doc__)
    sizes.add("rows", full=1_000_000, quick=20_000)
    sizes.add("repeat", full=3, quick=1)
    args = sizes.parse()
    report = Report("read", "A large result out of the database")
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as name, places(Path(name)) as found:
        progress = Progress(len(found) * args.repeat * len(_WAYS))
        for place in found:
            results += measure(place, week_file(Path(name), args.rows), args, progress)
    report.table("results", results, _COLUMNS)
    if args.save:
        report.save(lambda axes: draw(axes, results))


def measure(place: Place, file: Path, args: argparse.Namespace, progress: Progress) -> list[dict[str, Any]]:
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in _WAYS}
    with place.fresh() as url:
        with open_upgraded(url) as storage:
            run_pipelines(storage, week_params(file), file.parent, ("ingest_week", "normalize_week"))
        for _ in range(args.repeat):
            for way, done in runs.items():
                done.append(child.run(f"benchmarks.bench_read:{way}", url))
                progress.advance(1, f"{place.name}, {_WAYS[way]}: {done[-1]['seconds']} s")
    best = {way: min(done, key=lambda run: float(run["seconds"])) for way, done in runs.items()}
    rows = {run["rows"] for run in best.values()}
    assert len(rows) == 1, f"the ways disagree on the number of rows: {rows}"
    return [
        {"database": place.name, "way": _WAYS[way], **run, "rows_per_second": round(run["rows"] / run["seconds"])}
        for way, run in best.items()
    ]


def arrow(url: str) -> dict[str, Any]:
    """As one Arrow table, in the database's own types."""
    with _storage(url) as storage:
        return _timed(lambda: int(storage.read_arrow(_QUERY).num_rows))


def typed_frame(url: str) -> dict[str, Any]:
    """As a frame of Arrow columns in which decimals are exact and dates are dates, also from SQLite."""
    from spine.storage.frames import read_pandas

    with _storage(url) as storage:
        read_pandas(storage, f"{_QUERY} WHERE line_number = 1")
        return _timed(lambda: len(read_pandas(storage, _QUERY)))


def pandas(url: str) -> dict[str, Any]:
    """As a frame of Python objects and floats."""
    import pandas as pd
    import sqlalchemy as sa

    with sa.create_engine(_for_sqlalchemy(url)).connect() as connection:
        return _timed(lambda: len(pd.read_sql(sa.text(_QUERY), connection)))


def fetchall(url: str) -> dict[str, Any]:
    """As tuples."""
    with _driver(url) as connection:
        return _timed(lambda: len(connection.execute(_QUERY).fetchall()))


def spine_parquet(url: str) -> dict[str, Any]:
    import datetime as dt

    import pyarrow.parquet  # noqa: F401

    from spine.exports.export import Request, export

    with _storage(url) as storage, tempfile.TemporaryDirectory(prefix="spine-bench-") as name:

        def write() -> int:
            request = Request("venue_volume", Path(name) / "rows.parquet", columns=_NAMES, force=True)
            return export(storage, request, now=dt.datetime.now(dt.UTC)).rows

        return _timed(write)


def pandas_parquet(url: str) -> dict[str, Any]:
    import pandas as pd
    import pyarrow.parquet  # noqa: F401
    import sqlalchemy as sa

    with (
        sa.create_engine(_for_sqlalchemy(url)).connect() as connection,
        tempfile.TemporaryDirectory(prefix="spine-bench-") as name,
    ):

        def write() -> int:
            frame = pd.read_sql(sa.text(_QUERY), connection)
            frame.to_parquet(f"{name}/rows.parquet")
            return len(frame)

        return _timed(write)


def _timed(read: Callable[[], int]) -> dict[str, Any]:
    started = time.perf_counter()
    rows = read()
    return {"rows": rows, "seconds": round(time.perf_counter() - started, 3)}


@contextmanager
def _storage(url: str) -> Iterator[Storage]:
    """A database whose driver is loaded."""
    with open_upgraded(url) as storage:
        storage.read_arrow(f"{_QUERY} WHERE line_number = 1")
        yield storage


@contextmanager
def _driver(url: str) -> Iterator[Any]:
    if url.startswith("sqlite"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"))
    else:
        import psycopg

        connection = psycopg.connect(url)
    try:
        yield connection
    finally:
        connection.close()


def _for_sqlalchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


def draw(axes: Any, results: list[Any]) -> None:
    groups: dict[str, list[float]] = {}
    for each in results:
        groups.setdefault(each["way"], []).append(each["rows_per_second"] / 1000)
    grouped_bars(axes, list(dict.fromkeys(each["database"] for each in results)), groups, "%.0f")
    axes.set_ylabel("thousand rows per second")


if __name__ == "__main__":
    main()
