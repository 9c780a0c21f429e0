"""What an assessment costs: the newest week, twelve of them and a year, with and without a score for every symbol.

    make bench                    or, by hand:  .venv/bin/python -m benchmarks.bench_assess --quick

A year of weeks as history.py builds it. Each way in a new process, which has looked at one week before the clock starts; in
turn, the minimum of the repeats counts. Beside it the floor of every check that reads source lines: one pass over the same
weeks' lines, added up by symbol, which an assessment makes twice.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import child, history
from benchmarks.command_line import Sizes
from benchmarks.databases import places
from benchmarks.progress import Progress
from benchmarks.report import Columns, Report

_COLUMNS: Columns = {
    "database": "database",
    "weeks of three tiers": "weeks",
    "rows": "rows",
    "way": "way",
    "seconds": "seconds",
    "ms a week and tier": lambda row: round(1000 * row["seconds"] / (3 * row["weeks"]), 1),
    "times the floor": lambda row: round(row["seconds"] / row["floor_seconds"], 1),
    "peak MB above interpreter": "peak_megabytes",
}


def main() -> None:
    args = options()
    report = Report("assess", "What an assessment costs", ("The floor: one pass over the lines, summed by symbol.",))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as name, places(Path(name)) as found:
        progress = Progress(len(found) * (len(history.TIERS) * args.weeks + 4 * args.repeats))
        for place in found:
            with place.fresh() as url:
                for tier in history.TIERS:
                    child.run("benchmarks.history:build", url, str(args.rows), tier, "0", str(args.weeks))
                    progress.advance(args.weeks, f"{place.name}: {tier} is built")
                for weeks, symbols in ((1, ""), (12, ""), (args.weeks, ""), (args.weeks, "symbols")):
                    best: dict[str, Any] = {}
                    for _ in range(args.repeats):
                        measured = child.run(
                            "benchmarks.bench_assess:measure", url, str(args.weeks), str(weeks), symbols
                        )
                        best = measured if not best else {key: min(best[key], value) for key, value in measured.items()}
                        progress.advance(1, f"{place.name}: {weeks} weeks")
                    way = "with every symbol" if symbols else "weeks alone"
                    rows.append({"database": place.name, "weeks": weeks, "way": way, **best})
    report.table("assessments", rows, _COLUMNS)
    if args.save:
        report.save()


def options() -> argparse.Namespace:
    sizes = Sizes(__doc__)
    sizes.add("weeks", full=52, quick=13)
    sizes.add("rows", full=38_900, quick=1_500, help="venue rows of a week, all tiers together")
    sizes.add("repeats", full=3, quick=1)
    return sizes.parse()


def measure(url: str, known: str, weeks: str, symbols: str) -> dict[str, Any]:
    """Seconds of one assessment and of the floor, in a process of its own."""
    from spine.core.settings import Settings
    from spine.pipelines.context import StepContext
    from spine.quality.assessment.assess import Scope, assess
    from spine.storage.connect import connect_storage

    storage = connect_storage(url)
    context = StepContext(storage, Settings(include_dir=Path("include"), file_root=Path()), {})
    last = history.week_after(int(known) - 1)
    first = history.week_after(int(known) - int(weeks))
    assess(context, Scope(first=last, last=last, symbols=True))
    started = time.perf_counter()
    found = assess(context, Scope(first=first, last=last, symbols=bool(symbols)))
    seconds = time.perf_counter() - started
    if any(issue.severity == "CRITICAL" for issue in found.issues):
        raise SystemExit(f"a good history is found wrong: {found.worst(found.issues[0].severity)[:3]}")
    started = time.perf_counter()
    rows = sum(row[0] for row in storage.query(_FLOOR, {"first": first, "last": last}).rows)
    floor = time.perf_counter() - started
    storage.close()
    return {"seconds": round(seconds, 3), "floor_seconds": round(floor, 3), "rows": int(rows)}


_FLOOR = """
SELECT COUNT(*), SUM(l.total_shares), SUM(l.total_trades)
FROM core_latest t JOIN finra_otc_transparency_lines l ON l.capture_no = t.capture_no
WHERE t.stage = 'AGGREGATED' AND t.week_ending BETWEEN :first AND :last
GROUP BY l.capture_no, l.symbol"""


if __name__ == "__main__":
    main()
