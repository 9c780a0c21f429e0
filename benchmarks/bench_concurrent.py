"""Eight tier-weeks at once on one database, against the same eight one after the other.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_concurrent --quick

Each tier-week is the whole of finra.weekly_refresh in a process of its own, which is connected and has imported everything
before its turn comes. What readers see afterwards must be the same however many there were at once, and nobody may have
failed, least of all for a lock. How far it can be faster is set by the machine's processors, which the database shares, and
on SQLite by its single writer. Each in turn, the minimum of the repeats counts.
"""

from __future__ import annotations

import argparse
import datetime as dt
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.command_line import Sizes
from benchmarks.databases import Place, open_upgraded, places, published
from benchmarks.machine import ROOT, timed
from benchmarks.progress import Progress
from benchmarks.report import Columns, Report, grouped_bars
from benchmarks.week_files import WEEK_ENDING
from benchmarks.week_runs import refresh

_ROWS_PER_SYMBOL = {"T1": 22.4, "T2": 11.2}  # of the synthetic market
_WEEKS = 4
_COLUMNS: Columns = {
    "database": "database",
    "at once": "at_once",
    "tier-weeks": "tier_weeks",
    "rows": "rows",
    "seconds": "seconds",
    "rows/s": "rows_per_second",
    "throughput, one = 1": "throughput",
    "failed": "failed",
    "slowest week, s": "slowest_seconds",
}
TierWeek = tuple[str, dt.date, Path]


def main() -> None:
    args = options()
    report = Report("concurrent", "Eight tier-weeks at once")
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as name, places(Path(name)) as found:
        tier_weeks, rows = write_files(Path(name), args.rows)
        progress = Progress(len(found) * args.repeat * len(args.at_once))
        for place in found:
            results += measure(place, tier_weeks, rows, args, progress)
    report.table("results", results, _COLUMNS)
    if args.save:
        report.save(lambda axes: draw(axes, results))


def options() -> argparse.Namespace:
    sizes = Sizes(__doc__)
    sizes.add("rows", full=100_000, quick=3_000, help="rows of each tier-week")
    sizes.add("at_once", full=[1, 2, 4, 8], quick=[1, 8], help="processes at work")
    sizes.add("repeat", full=3, quick=1)
    return sizes.parse()


def write_files(folder: Path, rows: int) -> tuple[list[TierWeek], int]:
    """Four weeks of two tiers, and the rows in all of them."""
    from spine.core.tiers import Tier
    from spine.finra.download_file import write_week_file
    from spine.finra.synthetic import SyntheticMarket

    market = SyntheticMarket(symbols={Tier(tier): round(rows / each) for tier, each in _ROWS_PER_SYMBOL.items()})
    weeks = [WEEK_ENDING - dt.timedelta(weeks=back) for back in range(_WEEKS)]
    found = [(tier, week, folder / f"{tier}_{week}.csv") for tier, week in product(_ROWS_PER_SYMBOL, weeks)]
    return found, sum(write_week_file(market.week(Tier(tier), week), path) for tier, week, path in found)


def measure(
    place: Place, tier_weeks: list[TierWeek], rows: int, args: argparse.Namespace, progress: Progress
) -> list[dict[str, Any]]:
    runs: dict[int, list[dict[str, Any]]] = {at_once: [] for at_once in args.at_once}
    pictures = []
    for _ in range(args.repeat):
        for at_once, done in runs.items():
            with place.fresh() as url:
                done.append(run_all(url, tier_weeks, at_once))
                pictures.append(published(url))
            progress.advance(1, f"{place.name}, {at_once} at once: {done[-1]['seconds']:.2f} s")
    check(pictures, rows)
    best = {at_once: min(done, key=lambda run: float(run["seconds"])) for at_once, done in runs.items()}
    alone = next(iter(best.values()))["seconds"]
    return [
        {
            "database": place.name,
            "at_once": at_once,
            "tier_weeks": len(tier_weeks),
            "rows": rows,
            **run,
            "failed": sum(each["failed"] for each in runs[at_once]),
            "rows_per_second": round(rows / run["seconds"]),
            "throughput": round(alone / run["seconds"], 2),
        }
        for at_once, run in best.items()
    ]


def run_all(url: str, tier_weeks: list[TierWeek], at_once: int) -> dict[str, Any]:
    """All tier-weeks into an empty database, so many at a time."""
    with open_upgraded(url):
        pass
    with ExitStack() as stack:
        waiting = [stack.enter_context(worker(url, *each)) for each in tier_weeks]
        for process in waiting:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise SystemExit(f"a process did not begin: {process.communicate()[1][-2000:]}")
        with ThreadPoolExecutor(at_once) as turns:
            results: list[dict[str, Any]] = []
            seconds = timed(lambda: results.extend(turns.map(take_turn, waiting)))
    failures = [each["error"] for each in results if each["error"]]
    for words in failures:
        print(f"FAILED: {words}")
    slowest = max(each["seconds"] for each in results)
    return {"seconds": round(seconds, 3), "failed": len(failures), "slowest_seconds": slowest}


@contextmanager
def worker(url: str, tier: str, week_ending: dt.date, file: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that waits for its turn."""
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = child.command("benchmarks.bench_concurrent:one_week", url, tier, week_ending, file)
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def take_turn(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Let it go, and wait for its result, not for its end."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"a process ended without a word: {process.communicate()[1][-2000:]}")
    return child.result_of("one_week", 0, line, "")


def one_week(url: str, tier: str, week_ending: str, file: str) -> dict[str, Any]:
    """In a process of its own: the weekly workflow, once it is told to go."""
    from spine.storage.connect import connect_storage

    path = Path(file)
    params = {"tier": tier, "week_ending": week_ending, "file_path": path.name}
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as name, open_upgraded(f"sqlite:///{name}/spine.db") as own:
        refresh(own, params, path.parent)  # so that every library is imported
    storage = connect_storage(url)
    storage.query("SELECT 1 AS one")
    print("ready", flush=True)
    sys.stdin.readline()
    error, steps = "", dict[str, float]()
    try:
        steps = refresh(storage, params, path.parent)
    except SystemExit as failed:
        error = str(failed)
    storage.close()
    return {"error": error, "seconds": round(sum(steps.values()), 3)}


def check(pictures: list[Any], rows: int) -> None:
    """Every run has the same numbers, and no row is missing."""
    assert all(picture == pictures[0] for picture in pictures), (
        "what readers see depends on how many were at work at once"
    )
    tiers = len(_ROWS_PER_SYMBOL)
    found = sum(int(line[1]) for line in pictures[0][:tiers])
    assert found == rows, f"{found:,} rows are published, {rows:,} are in the files"


def draw(axes: Any, results: list[Any]) -> None:
    labels = list(dict.fromkeys(f"{each['at_once']} at once" for each in results))
    groups: dict[str, list[float]] = {}
    for each in results:
        groups.setdefault(each["database"], []).append(each["rows_per_second"] / 1000)
    grouped_bars(axes, labels, groups, "%.0f")
    axes.set_ylabel("thousand rows per second, all together")


if __name__ == "__main__":
    main()
