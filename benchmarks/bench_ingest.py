"""From FINRA's file to reconciled venue volume, against each database's own bulk tool loading the same file, and against peers.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_ingest --quick

Ours: parse, account for every line, load with lineage, judge every row, reconcile (pipelines ingest_week and normalize_week,
in a new process on a new database each time). The floor: ``psql \\copy`` and ``sqlite3 .import`` of that file (floors.py).
Peers load a part of the file into the floor's table (peers.py). Imports are not timed, neither ours nor theirs. Ours and the
floor in turn, the minimum of the repeats counts. ``--breakdown`` times the parts of ours alone (breakdown.py). What is not
installed is left out, and said.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import child, floors
from benchmarks.breakdown import import_all
from benchmarks.command_line import Sizes
from benchmarks.databases import Place, open_upgraded, places
from benchmarks.machine import memory, timed
from benchmarks.peers import PEERS
from benchmarks.progress import Progress
from benchmarks.report import Columns, Report, grouped_bars
from benchmarks.week_files import small_file, week_file, week_params
from benchmarks.week_runs import run_pipelines

_MEGABYTES = {"peak MB above interpreter": "peak_megabytes"}
_COMPARED: Columns = {
    "database": "database",
    "rows": "rows",
    "file MB": "megabytes",
    "seconds": "seconds",
    "bulk tool": "floor_seconds",
    "ratio": "ratio",
    "rows/s": lambda row: round(row["rows"] / row["seconds"]),
    **_MEGABYTES,
    "aggregate_week": lambda row: row["stages"]["aggregate_week"],
}
_PEERS: Columns = {
    "database": "database",
    "peer": "peer",
    "rows": "rows",
    "seconds": "seconds",
    "rows/s": "rows_per_second",
    **_MEGABYTES,
}
_MEMORY: Columns = {
    "database": "database",
    "rows": "rows",
    **_MEGABYTES,
    "of it before the first row": "imports_megabytes",
}
# Everything up to the key order is done by one thread while another loads.
_PARTS: Columns = {
    "database": "database",
    "rows": "rows",
    "read lines": "read",
    "type": "type",
    "content hash": "hash",
    "key order": "key_order",
    "load": "load",
    "a capture of 20 rows": "fixed",
    "ingest_week": "ingest_week",
    "normalize_week": "normalize_week",
    "both": lambda row: round(row["ingest_week"] + row["normalize_week"], 3),
    "bulk tool": "floor_seconds",
    "(imports)": "imports",
}
_NOTES = (
    "Ours: from the file to reconciled venue volume. Bulk tool: the same file into one table with the same primary key, "
    "unseen. Peers: a part of the file into that table; none of them accounts for lines, judges rows or keeps captures. "
    "In the pipeline one thread reads, types and hashes while another loads, so the parts below add up to more than it takes.",
)

Results = list[dict[str, Any]]


def main() -> None:
    args = options()
    report = Report("ingest", "File to reconciled venue volume", _NOTES)
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as name, places(Path(name)) as found:
        folder, usable = Path(name), [place for place in found if floors.installed(place.name)]
        progress = Progress(len(usable) * sum(_work(args)))
        compared = [compare(place, week_file(folder, n), args.repeat, progress) for place in usable for n in args.rows]
        peers = [peer for place in usable for peer in measure_peers(place, folder, args, progress)]
        large = [remember(place, folder, args.memory_rows, progress) for place in usable if args.memory_rows]
        parts = [take_apart(place, folder, args, compared, progress) for place in usable if args.breakdown or args.save]
    show(report, compared, peers, large, parts)
    if args.save:
        report.save(lambda axes: draw(axes, compared, peers), panels=2)


def options() -> argparse.Namespace:
    sizes = Sizes(__doc__)
    sizes.add("rows", full=[200_000, 1_000_000], quick=[20_000], help="rows of the file")
    sizes.add("repeat", full=5, quick=2)
    sizes.add("peer_rows", full=100_000, quick=5_000, help="rows that peers load")
    sizes.add("peer_repeat", full=3, quick=1)
    sizes.add(
        "memory_rows", full=5_000_000, quick=100_000, help="rows of the file whose load's memory is measured; 0: none"
    )
    sizes.flag("breakdown", help="time the parts of ours; always done in full runs")
    return sizes.parse()


def _work(args: argparse.Namespace) -> tuple[float, ...]:
    """About how long each kind of measurement takes, in rows of ours, on one database."""
    return (
        args.repeat * 2 * sum(args.rows),
        args.peer_repeat * 8 * len(PEERS) * args.peer_rows,
        args.memory_rows,
        (args.breakdown or args.save) * args.repeat * 4 * max(args.rows),
    )


def compare(place: Place, file: Path, repeat: int, progress: Progress) -> dict[str, Any]:
    """Ours and the floor in turn; the best of each."""
    floor, runs = [], []
    for _ in range(repeat):
        with place.fresh() as url:
            runs.append(child.run("benchmarks.bench_ingest:ours", url, file, small_file(file.parent)))
        with place.fresh() as url:
            floor.append(timed(lambda url=url: floors.load(url, file)))  # type: ignore[misc]
        ours_now, floor_now = runs[-1]["seconds"], floor[-1]
        progress.advance(
            2 * runs[-1]["rows"], f"{place.name} {file.name}: {ours_now:.2f} s, bulk tool {floor_now:.2f} s"
        )
    best = min(runs, key=lambda run: run["seconds"])
    ratio = round(best["seconds"] / min(floor), 2)
    return {"database": place.name, **best, "floor_seconds": round(min(floor), 3), "ratio": ratio}


def ours(url: str, file: str, small: str) -> dict[str, Any]:
    """In a process of its own: seconds from the file to reconciled venue volume."""
    path, stages = Path(file), ("ingest_week", "normalize_week", "aggregate_week")
    interpreter = memory("VmRSS")
    with open_upgraded(url) as storage:
        import_all(storage, Path(small))
        imported = memory("VmRSS")
        outputs, seconds = run_pipelines(storage, week_params(path), path.parent, stages)
    return {
        "rows": outputs["normalize_week"]["rows"],
        "megabytes": round(path.stat().st_size / 1e6, 1),
        "seconds": round(seconds["ingest_week"] + seconds["normalize_week"], 3),
        "stages": seconds,
        "imports_megabytes": round((imported - interpreter) / 1e3),
    }


def measure_peers(place: Place, folder: Path, args: argparse.Namespace, progress: Progress) -> Results:
    file, found = week_file(folder, max(args.rows)), []
    for name, label in PEERS.items():
        runs = []
        for _ in range(args.peer_repeat):
            with place.fresh() as url:
                floors.make_table(url)
                runs.append(child.run(f"benchmarks.peers:{name}", url, file, args.peer_rows))
        best = min(runs, key=lambda run: run["seconds"])
        rate = round(best["rows"] / best["seconds"])
        found.append({"database": place.name, "peer": label, **best, "rows_per_second": rate})
        progress.advance(8 * args.peer_repeat * args.peer_rows, f"{place.name} {label}: {rate:,} rows/s")
    return found


def remember(place: Place, folder: Path, rows: int, progress: Progress) -> dict[str, Any]:
    """The memory of one large load."""
    file = week_file(folder, rows)
    with place.fresh() as url:
        run = child.run("benchmarks.bench_ingest:ours", url, file, small_file(file.parent))
    progress.advance(rows, f"{place.name} {run['rows']:,} rows: {run['peak_megabytes']} MB")
    return {"database": place.name, **run}


def take_apart(
    place: Place, folder: Path, args: argparse.Namespace, compared: Results, progress: Progress
) -> dict[str, Any]:
    """Each part's least seconds, and beside them the bulk tool's."""
    rows, runs = max(args.rows), []
    for _ in range(args.repeat):
        with place.fresh() as url:
            files = week_file(folder, rows), small_file(folder)
            runs.append(child.run("benchmarks.breakdown:parts", url, *files))
        progress.advance(4 * rows, f"{place.name}: taken apart")
    floor = next(each["floor_seconds"] for each in reversed(compared) if each["database"] == place.name)
    return {
        "database": place.name,
        **{name: min(run[name] for run in runs) for name in runs[0]},
        "floor_seconds": floor,
    }


def show(report: Report, compared: Results, peers: Results, large: Results, parts: Results) -> None:
    report.table("results", compared, _COMPARED)
    report.table("peers", peers, _PEERS, heading="Peers")
    if large:
        report.table("memory", [*compared, *large], _MEMORY, heading="Memory")
    if parts:
        report.table("breakdown", parts, _PARTS, heading="What the seconds are made of: each part alone")


def draw(axes: Any, compared: Results, peers: Results) -> None:
    """Seconds beside the floor's, and rows per second beside the peers'."""
    left, right = axes
    labels = [f"{each['database']}\n{each['rows']:,} rows" for each in compared]
    seconds = {"bulk tool": "floor_seconds", "Spine: file to venue volume": "seconds"}
    grouped_bars(left, labels, {label: [each[key] for each in compared] for label, key in seconds.items()})
    left.set_ylabel("seconds")
    largest = {each["database"]: each for each in compared}
    rates = {"Spine": [each["rows"] / each["seconds"] / 1000 for each in largest.values()]}
    for each in peers:
        rates.setdefault(each["peer"], []).append(each["rows_per_second"] / 1000)
    grouped_bars(right, list(largest), rates, "%.0f")
    right.set_ylabel("thousand rows per second")


if __name__ == "__main__":
    main()
