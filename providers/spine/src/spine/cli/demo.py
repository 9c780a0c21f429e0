"""``airflow spine demo``: from nothing to analytics on invented weeks, and what can be seen then."""

from __future__ import annotations

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
from spine.cli.run import find_workflow
from spine.cli.session import spine_session
from spine.core.errors import SpineError
from spine.core.tiers import Tier
from spine.storage.migrations import upgrade

if TYPE_CHECKING:
    import datetime as dt

    from spine.core.settings import Settings
    from spine.finra.synthetic import WrittenFile
    from spine.storage.base import Storage

WORKFLOW = "finra.weekly_refresh"
WEEKS = 8


def demo(args: Namespace) -> None:
    """Write the bundled weeks, load all but each tier's newest in process, the newest through the DAG, and report."""
    logging.getLogger("spine").setLevel(logging.WARNING)
    started = time.monotonic()
    with spine_session() as (settings, storage):
        upgrade(storage, settings.sql_dir)
        files = _bundled_weeks(settings)
        newest = {tier: max(file.week_ending for file in files if file.tier == tier) for tier in Tier}
        history = [file for file in files if file.week_ending < newest[file.tier] or file.revision]
        _load_history(settings, storage, history)
        for tier, week_ending in newest.items():
            _refresh_through_dag(tier, week_ending)
        print_report(storage, settings, time.monotonic() - started)


def _bundled_weeks(settings: Settings) -> list[WrittenFile]:
    from spine.finra.synthetic import write_weeks

    files = write_weeks(settings.file_root, weeks=WEEKS, defects=True)
    rows = sum(file.rows for file in files)
    print(f"Bundled weeks: {len(files)} files, {rows:,} rows in {settings.file_root}")
    return files


def _load_history(settings: Settings, storage: Storage, files: list[WrittenFile]) -> None:
    from spine.workflows.runner import run_workflow

    workflow = find_workflow(settings.workflows_dir, WORKFLOW, settings.handler_packages)
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


def _refresh_through_dag(tier: Tier, week_ending: dt.date) -> None:
    """One run of the DAG, in this process, with Airflow's own bookkeeping."""
    from airflow.configuration import conf
    from airflow.dag_processing.dagbag import DagBag

    folder, started = Path(conf.get("core", "dags_folder")), time.monotonic()
    log = Path(conf.get("logging", "base_log_folder")) / "spine_demo.log"
    with _output_to(log):
        dag = DagBag(str(folder / "spine_workflows.py")).get_dag(WORKFLOW)
        if dag is None:
            raise SpineError(f"no DAG {WORKFLOW} in {folder / 'spine_workflows.py'}")
        run = dag.test(run_conf={"tier": str(tier), "week_ending": week_ending.isoformat()})
    if str(run.state) != "success":
        raise SpineError(f"DAG {WORKFLOW} ended {run.state} for {tier} {week_ending}; what its tasks said is in {log}")
    print(f"  DAG   {tier:<4} {week_ending} {run.state} in {time.monotonic() - started:.1f} s", flush=True)


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
