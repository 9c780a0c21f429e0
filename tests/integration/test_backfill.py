"""Backfills over Airflow's own database: exactly one run for each published week, by either command, however often."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.backfill import AlreadyRunningBackfill, Backfill, BackfillDagRun
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import select, update

from spine.core.tiers import Tier
from spine.core.weeks import monday_of, newest_published
from spine.timetables.publication import week_of
from tests.support.paths import ROOT
from tests.support.workflows import PACKAGES, write

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("airflow_env")]

BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
FLOW = """
    name: {name}_flow
    params: {{tier: {{default: OTCE}}, week_ending: {{default: null}}}}
    schedules: [{{name: {name}, publication: T1}}]
    steps: [{{name: a, type: pipeline, pipeline: test.ok}}]
    """
WEEKS = ["2025-10-10", "2025-10-17", "2025-10-24"]
DATES = ("2025-10-06", "2025-10-20")


@pytest.fixture
def weekly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The id of a DAG on T1's publication, as the dag-processor has put it into the database."""
    name = f"weekly_{tmp_path.name}".replace("-", "_")
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "spine_workflows.py").write_text((ROOT / "dags/spine_workflows.py").read_text())
    write(tmp_path / "workflows", FLOW.format(name=name))
    bundles = json.dumps([{"name": "backfills", "classpath": BUNDLE, "kwargs": {"path": str(dags)}}])
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", bundles)
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(dags))
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__SPINE__HANDLER_PACKAGES", ",".join(PACKAGES))
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
    bag = DagBag(str(dags), bundle_path=dags, bundle_name="backfills")
    assert not bag.import_errors
    sync_bag_to_db(bag, "backfills", None)
    yield name


def airflow(*words: str) -> None:
    """A command of the line that Airflow builds, in this process."""
    from airflow.cli.cli_parser import get_parser

    args = get_parser().parse_args(words)
    args.func(args)


COMMANDS = {
    "backfill create": ("backfill", "create", "--dag-id", "{}", "--from-date", "{}", "--to-date", "{}"),
    "dags backfill": ("dags", "backfill", "{}", "-s", "{}", "-e", "{}"),
}


def backfill(command: str, dag_id: str, *more: str, dates: tuple[str, str] = DATES) -> None:
    values = iter((dag_id, *dates))
    airflow(*(next(values) if word == "{}" else word for word in COMMANDS[command]), *more)


def runs_of(dag_id: str) -> list[tuple[str, str]]:
    """Week and type of every run, by week."""
    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.logical_date)).all()
        return [(str(week_of(run.data_interval_start)), str(run.run_type)) for run in runs]


def finish(dag_id: str) -> None:
    """As the scheduler does when the last run is over."""
    with create_session() as session:
        session.execute(update(DagRun).where(DagRun.dag_id == dag_id).values(state="success"))
        session.execute(update(Backfill).where(Backfill.dag_id == dag_id).values(completed_at=dt.datetime.now(dt.UTC)))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_published_week_has_one_run(command: str, weekly: str) -> None:
    backfill(command, weekly)
    assert runs_of(weekly) == [(week, "backfill") for week in WEEKS]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_second_time_changes_nothing(command: str, weekly: str) -> None:
    backfill(command, weekly)
    with pytest.raises(AlreadyRunningBackfill):
        backfill(command, weekly)
    finish(weekly)
    backfill(command, weekly)
    assert runs_of(weekly) == [(week, "backfill") for week in WEEKS]
    with create_session() as session:
        again = session.scalars(select(BackfillDagRun).where(BackfillDagRun.dag_run_id.is_(None))).all()
        reasons = [each.exception_reason for each in again if each.backfill.dag_id == weekly]
    assert reasons == ["already exists"] * len(WEEKS)


@pytest.mark.parametrize("command", COMMANDS)
def test_weeks_that_are_not_published_are_left_out(command: str, weekly: str) -> None:
    newest = newest_published(Tier.T1, dt.datetime.now(dt.UTC))
    backfill(command, weekly, dates=(str(monday_of(newest)), str(newest + dt.timedelta(days=90))))
    assert runs_of(weekly) == [(str(newest), "backfill")]


def test_a_dry_run_makes_none(weekly: str, capsys: pytest.CaptureFixture[str]) -> None:
    backfill("dags backfill", weekly, "--dry-run")
    assert capsys.readouterr().out.count("04:00:00+00:00") == len(WEEKS)
    assert runs_of(weekly) == []


def test_the_next_run_is_for_the_newest_week(weekly: str) -> None:
    with create_session() as session:
        model = session.get_one(DagModel, weekly)
        interval = model.next_dagrun_data_interval
        assert model.timetable_summary == "T1 publication, 06:00 ET"
    assert interval is not None
    assert week_of(interval.start) == newest_published(Tier.T1, dt.datetime.now(dt.UTC))


@pytest.mark.parametrize("words", [("-s", "2025-10-06"), ("-e", "2025-10-06")])
def test_one_date_means_that_day(words: tuple[str, str], weekly: str) -> None:
    airflow("dags", "backfill", weekly, *words)
    assert runs_of(weekly) == [("2025-10-10", "backfill")]


def test_no_date_is_refused(weekly: str) -> None:
    with pytest.raises(SystemExit, match="--start-date"):
        airflow("dags", "backfill", weekly)


def test_the_alias_is_in_a_new_process_too() -> None:
    command = [str(Path(sys.executable).parent / "airflow"), "dags", "backfill", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"})
    assert "--start-date" in done.stdout, done.stderr
