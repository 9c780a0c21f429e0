"""52 weeks of three tiers from nothing, through workflow finra.backfill against the simulator, killed three times on the way.

    .venv/bin/python -m benchmarks.bench_backfill [--weeks 52] [--kills 3]

Reports rows per second, and the ratio of the undisturbed run to the sum of its pipelines called in process, week by week,
from files with the same rows. Both on SQLite and, where its programs are installed, PostgreSQL.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
NOW = dt.datetime(2026, 5, 15, 18, tzinfo=dt.UTC)
TIERS = ("T1", "T2", "OTCE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--child", nargs=3, metavar=("URL", "API", "WEEKS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(backfill(*args.child)))
        return
    from spine.finra.simulator import running_simulator
    from tests.support.postgres import PostgresUnavailable, running_postgres

    results = []
    with (
        tempfile.TemporaryDirectory(prefix="spine-bench-") as name,
        running_simulator(weeks=args.weeks + 10, now=NOW) as api,
    ):
        folder = Path(name)
        results.append(measure("sqlite", lambda which: f"sqlite:///{folder}/{which}.db", api.url, args, folder))
        try:
            with (
                running_postgres() as server,
                server.database() as one,
                server.database() as two,
                server.database() as three,
            ):
                urls = {"whole": one, "killed": two, "files": three}
                results.append(measure("postgres", urls.__getitem__, api.url, args, folder))
        except PostgresUnavailable as reason:
            print(f"PostgreSQL left out: {reason}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "backfill.json").write_text(json.dumps(results, indent=2) + "\n")


def measure(database: str, url_of: Any, api: str, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    whole = _child(url_of("whole"), api, args.weeks)
    kills = killed(url_of("killed"), api, args.weeks, args.kills, whole["seconds"])
    assert picture(url_of("whole")) == picture(url_of("killed")), (
        "a killed and resumed backfill differs from a whole one"
    )
    in_process = pipelines_alone(url_of("files"), args.weeks, folder)
    assert picture(url_of("whole")) == picture(url_of("files")), (
        "weeks from the API differ from the same weeks from files"
    )
    result = {
        "database": database,
        "weeks": args.weeks * len(TIERS),
        **whole,
        "rows_per_second": round(whole["rows"] / whole["seconds"]),
        "pipelines_in_process_seconds": in_process,
        "ratio": round(whole["seconds"] / in_process, 2),
        "killed_after_seconds": kills,
    }
    print(json.dumps(result))
    return result


def backfill(url: str, api: str, weeks: str) -> dict[str, Any]:
    """The workflow, whole, in this process."""
    from spine.core.settings import Settings
    from spine.storage.connect import connect_storage
    from spine.storage.migrations import upgrade
    from spine.workflows.loader import load_library
    from spine.workflows.runner import run_workflow
    from tests.support.weekly import SimulatorConnections

    storage = connect_storage(url)
    upgrade(storage, ROOT / "include" / "sql")
    library = {each.name: each for each in load_library(ROOT / "include" / "workflows").workflows}
    print("begins", flush=True)
    started = time.perf_counter()
    ended = run_workflow(
        library["finra.backfill"],
        {"weeks_back": int(weeks), "end_week": "2026-04-10"},
        storage=storage,
        settings=Settings(ROOT / "include", ROOT),
        clock=clock,
        connections=SimulatorConnections(api),
    )
    assert ended.state == "success", ended.steps
    rows = sum(step.output.get("rows", 0) for step in ended.results.values())
    storage.close()
    return {"rows": rows, "seconds": round(time.perf_counter() - started, 2)}


def clock() -> dt.datetime:
    """A present just after NOW that goes on, the same for all processes."""
    return NOW + dt.timedelta(seconds=time.time() % 3600)


def killed(url: str, api: str, weeks: int, times: int, seconds: float) -> list[float]:
    """Start, kill after a while, start again ...; the last one ends by itself."""
    chance = random.Random(7)
    waits = [round(seconds / (times + 1) * chance.uniform(0.5, 1.2), 2) for _ in range(times)]
    for wait in waits:
        process = subprocess.Popen(
            _command(url, api, weeks), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"  # after the imports, so that the kill hits the work
        time.sleep(wait)
        process.kill()
        process.wait()
    _child(url, api, weeks)
    return waits


def pipelines_alone(url: str, weeks: int, folder: Path) -> float:
    """The sum of the pipelines' own time, each week from a file."""
    from spine.core.settings import Settings
    from spine.core.tiers import Tier
    from spine.core.weeks import window
    from spine.finra.download_file import write_week_file
    from spine.finra.synthetic import SyntheticMarket
    from spine.pipelines.context import StepContext
    from spine.pipelines.registry import get_pipeline
    from spine.storage.connect import connect_storage
    from spine.storage.migrations import upgrade

    storage, market = connect_storage(url), SyntheticMarket()
    upgrade(storage, ROOT / "include" / "sql")
    settings, spent = Settings(ROOT / "include", folder), 0.0
    for tier in Tier:
        for number, week in enumerate(window(dt.date(2026, 4, 10), weeks), start=1):
            revision = market.revision_on(tier, week, NOW.date())
            write_week_file(market.week(tier, week, revision=revision), folder / "week.psv")
            params = {"tier": str(tier), "week_ending": week.isoformat(), "file_path": "week.psv"}
            outputs: dict[str, Any] = {}
            stages = ["ingest_week", "normalize_week", "aggregate_week", *(["compute_rolling"] if number >= 6 else [])]
            started = time.perf_counter()
            for stage in stages:
                context = StepContext(storage, settings, params, outputs, run_id="bench", clock=clock)
                outputs[stage] = get_pipeline(f"finra.otc_transparency.{stage}").run(context).to_dict()
            spent += time.perf_counter() - started
    storage.close()
    return round(spent, 2)


def picture(url: str) -> list[Any]:
    """What the database publishes, without the marks of single captures."""
    from spine.storage.connect import connect_storage

    storage = connect_storage(url)
    statements = (
        "SELECT tier, COUNT(*), COUNT(DISTINCT week_ending), SUM(total_shares), SUM(total_trades) "
        "FROM finra_otc_transparency_venue_volume_latest GROUP BY tier ORDER BY tier",
        "SELECT tier, COUNT(*), SUM(total_volume) FROM finra_otc_transparency_symbol_summary_latest GROUP BY tier ORDER BY tier",
        "SELECT tier, COUNT(*), SUM(weeks_in_window) FROM finra_otc_transparency_symbol_rolling_latest "
        "GROUP BY tier ORDER BY tier",
        "SELECT tier, week_ending, COUNT(*) FROM core_captures GROUP BY tier, week_ending ORDER BY tier, week_ending",
    )
    rows = [[str(value) for value in row] for statement in statements for row in storage.query(statement).rows]
    storage.close()
    return rows


def _command(url: str, api: str, weeks: int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.bench_backfill", "--child", url, api, str(weeks)]


def _child(url: str, api: str, weeks: int) -> dict[str, Any]:
    done = subprocess.run(_command(url, api, weeks), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the backfill failed: {done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
