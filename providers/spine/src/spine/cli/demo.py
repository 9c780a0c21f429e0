"""``airflow spine demo``: from nothing to analytics on invented weeks, and what can be seen then."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spine.cli.report import print_report
from spine.cli.session import spine_session
from spine.core.errors import SpineError
from spine.core.tiers import Tier
from spine.storage.migrations import upgrade
from spine.workflows.catalog import find_workflow

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.finra.synthetic import WrittenFile
    from spine.storage.base import Storage

WORKFLOW = "finra.weekly_refresh"
WEEKS = 8


def demo(args: Namespace) -> None:
    """Load the bundled weeks from files, each tier's newest through the DAG from a simulated FINRA, and report."""
    logging.getLogger("spine").setLevel(logging.WARNING)
    started = time.monotonic()
    with spine_session() as (settings, storage):
        upgrade(storage, settings.sql_dir)
        files = _bundled_weeks(settings)
        newest = {tier: max(file.week_ending for file in files if file.tier == tier) for tier in Tier}
        history = [file for file in files if file.week_ending < newest[file.tier] or file.revision]
        _load_history(settings, storage, history)
        with _simulated_finra() as url:
            print(f"FINRA's API, simulated, at {url}: the newest week of each tier, through the DAG")
            for tier, week_ending in newest.items():
                # One of them from its file, for the flaws that real files have.
                _refresh_through_dag(tier, week_ending, "file" if tier is Tier.OTCE else "api")
        print_report(storage, settings, time.monotonic() - started)


def _bundled_weeks(settings: Settings) -> list[WrittenFile]:
    from spine.finra.synthetic import write_weeks

    files = write_weeks(settings.file_root, weeks=WEEKS, defects=True)
    rows = sum(file.rows for file in files)
    print(f"Bundled weeks: {len(files)} files, {rows:,} rows in {settings.file_root}")
    return files


def _load_history(settings: Settings, storage: Storage, files: list[WrittenFile]) -> None:
    from spine.workflows.runner import run_workflow

    workflow = find_workflow(WORKFLOW, settings)
    started = time.monotonic()
    for number, file in enumerate(sorted(files, key=lambda each: (each.revision, each.week_ending)), start=1):
        params = {
            "tier": str(file.tier),
            "week_ending": file.week_ending.isoformat(),
            "file_path": str(file.path.relative_to(settings.file_root)),
        }
        ended = run_workflow(workflow, params, storage=storage, settings=settings)
        if str(ended.state) != "success":
            raise SpineError(f"{WORKFLOW} failed for {file.path.name}: {ended.results}")
        left = (time.monotonic() - started) / number * (len(files) - number)
        what = ended.results["ingest"].status
        print(f"  {number:>2}/{len(files)} {file.tier:<4} {file.week_ending} {what:<9} {left:4.0f} s left", flush=True)


@contextmanager
def _simulated_finra() -> Iterator[str]:
    """A simulator that this process's connection ``finra_default`` leads to."""
    from spine.core.weeks import NEW_YORK
    from spine.finra.simulator import running_simulator
    from spine.finra.synthetic import DEFAULT_UNTIL

    name = "AIRFLOW_CONN_FINRA_DEFAULT"
    before = os.environ.get(name)
    evening = dt.datetime.combine(DEFAULT_UNTIL, dt.time(20), NEW_YORK)
    with running_simulator(weeks=WEEKS + 4, now=evening) as simulator:
        os.environ[name] = json.dumps({"conn_type": "finra", "host": simulator.url})
        try:
            yield simulator.url
        finally:
            os.environ.pop(name)
            if before is not None:
                os.environ[name] = before


def _refresh_through_dag(tier: Tier, week_ending: dt.date, source: str) -> None:
    """One run of the DAG, in this process, with Airflow's own bookkeeping."""
    from airflow.configuration import conf
    from airflow.dag_processing.dagbag import DagBag

    folder, started = Path(conf.get("core", "dags_folder")), time.monotonic()
    log = Path(conf.get("logging", "base_log_folder")) / "spine_demo.log"
    with _output_to(log):
        dag = DagBag(str(folder / "spine_workflows.py")).get_dag(WORKFLOW)
        if dag is None:
            raise SpineError(f"no DAG {WORKFLOW} in {folder / 'spine_workflows.py'}")
        run_conf = {"tier": str(tier), "week_ending": week_ending.isoformat(), "source": source}
        run = dag.test(run_conf=run_conf)
    if str(run.state) != "success":
        raise SpineError(f"DAG {WORKFLOW} ended {run.state} for {tier} {week_ending}; what its tasks said is in {log}")
    print(f"  DAG   {tier:<4} {week_ending} {source:<4} {run.state} in {time.monotonic() - started:.1f} s", flush=True)


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send this process's standard output and error to a file: Airflow's task log is not for this terminal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    saved = os.dup(1), os.dup(2)
    with path.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        for stream, copy in enumerate(saved, start=1):
            os.dup2(copy, stream)
            os.close(copy)
