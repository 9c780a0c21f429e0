"""52 weeks of three tiers from nothing, through workflow finra.backfill against the simulator, killed three times on the way.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_backfill --quick

Reports rows per second, and the ratio of the undisturbed run to the sum of its pipelines called in process, week by week,
from files with the same rows. Both on SQLite and, where its programs are installed, PostgreSQL.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.command_line import Sizes
from benchmarks.databases import Place, open_upgraded, places, published
from benchmarks.machine import ROOT
from benchmarks.progress import Progress
from benchmarks.report import Columns, Report
from benchmarks.simulator import NOW
from benchmarks.week_runs import run_pipelines, settings

END_WEEK = dt.date(2026, 4, 10)
TIERS = ("T1", "T2", "OTCE")
_BACKFILL = "benchmarks.bench_backfill:backfill"
_COLUMNS: Columns = {
    "database": "database",
    "weeks": "weeks",
    "rows": "rows",
    "seconds": "seconds",
    "rows/s": "rows_per_second",
    "its pipelines in process, s": "pipelines_in_process_seconds",
    "ratio": "ratio",
    "killed after, s": lambda row: ", ".join(map(str, row["killed_after_seconds"])),
}


def main() -> None:
    sizes = Sizes(__doc__)
    sizes.add("weeks", full=52, quick=4, help="weeks of each tier")
    sizes.add("kills", full=3, quick=1)
    args = sizes.parse()
    from spine.finra.simulator import running_simulator

    report = Report("backfill", "A year of three tiers through finra.backfill")
    with (
        tempfile.TemporaryDirectory(prefix="spine-bench-") as name,
        running_simulator(weeks=args.weeks + 10, now=NOW) as api,
        places(Path(name)) as found,
    ):
        progress = Progress(3 * len(found))
        results = [measure(place, api.url, args, Path(name), progress) for place in found]
    report.table("results", results, _COLUMNS)
    if args.save:
        report.save()


def measure(place: Place, api: str, args: argparse.Namespace, folder: Path, progress: Progress) -> dict[str, Any]:
    with ExitStack() as stack:
        undisturbed, disturbed, from_files = (stack.enter_context(place.fresh()) for _ in range(3))
        whole = child.run(_BACKFILL, undisturbed, api, args.weeks)
        progress.advance(1, f"{place.name}: {whole['seconds']} s")
        kills = killed(disturbed, api, args.weeks, args.kills, whole["seconds"])
        progress.advance(1, f"{place.name}: killed after {kills} s, then to its end")
        in_process = pipelines_alone(from_files, args.weeks, folder)
        progress.advance(1, f"{place.name}: its pipelines alone {in_process} s")
        expected = published(undisturbed)
        assert expected == published(disturbed), "a killed and resumed backfill differs from a whole one"
        assert expected == published(from_files), "weeks from the API differ from the same weeks from files"
    return {
        "database": place.name,
        "weeks": args.weeks * len(TIERS),
        **whole,
        "rows_per_second": round(whole["rows"] / whole["seconds"]),
        "pipelines_in_process_seconds": in_process,
        "ratio": round(whole["seconds"] / in_process, 2),
        "killed_after_seconds": kills,
    }


def backfill(url: str, api: str, weeks: str) -> dict[str, Any]:
    """The workflow, whole, in this process."""
    from spine.workflows.loader import load_library
    from spine.workflows.runner import run_workflow
    from tests.support.weekly import SimulatorConnections

    library = {each.name: each for each in load_library(ROOT / "include" / "workflows").workflows}
    with open_upgraded(url) as storage:
        print("begins", flush=True)
        started = time.perf_counter()
        ended = run_workflow(
            library["finra.backfill"],
            {"weeks_back": int(weeks), "end_week": END_WEEK.isoformat()},
            storage=storage,
            settings=settings(ROOT),
            clock=clock,
            connections=SimulatorConnections(api),
        )
        assert ended.state == "success", ended.steps
        seconds = time.perf_counter() - started
    return {
        "rows": sum(step.output.get("rows", 0) for step in ended.results.values()),
        "seconds": round(seconds, 2),
    }


def clock() -> dt.datetime:
    """A present just after NOW that goes on, the same for all processes."""
    return NOW + dt.timedelta(seconds=time.time() % 3600)


def killed(url: str, api: str, weeks: int, times: int, seconds: float) -> list[float]:
    """Start, kill after a while, start again ...; the last one ends by itself."""
    chance = random.Random(7)
    waits = [round(seconds / (times + 1) * chance.uniform(0.5, 1.2), 2) for _ in range(times)]
    for wait in waits:
        process = subprocess.Popen(
            child.command(_BACKFILL, url, api, weeks), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"  # after the imports, so that the kill hits the work
        time.sleep(wait)
        process.kill()
        process.wait()
    child.run(_BACKFILL, url, api, weeks)
    return waits


def pipelines_alone(url: str, weeks: int, folder: Path) -> float:
    """The sum of the pipelines' own time, each week from a file."""
    from spine.core.tiers import Tier
    from spine.core.weeks import window
    from spine.finra.download_file import write_week_file
    from spine.finra.synthetic import SyntheticMarket

    market, spent = SyntheticMarket(), 0.0
    with open_upgraded(url) as storage:
        for tier in Tier:
            for number, week in enumerate(window(END_WEEK, weeks), start=1):
                revision = market.revision_on(tier, week, NOW.date())
                write_week_file(market.week(tier, week, revision=revision), folder / "week.psv")
                params = {"tier": str(tier), "week_ending": week.isoformat(), "file_path": "week.psv"}
                stages = ["ingest_week", "normalize_week", "aggregate_week"]
                stages += ["compute_rolling"] if number >= 6 else []
                spent += sum(run_pipelines(storage, params, folder, stages, clock)[1].values())
    return round(spent, 2)


if __name__ == "__main__":
    main()
