"""Runs that are killed at every point there is, and what the next run makes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.support.disturbed import assert_as_if_nothing_had_happened, complete, full_week, small_week
from tests.support.elsewhere import run_elsewhere
from tests.support.storage import open_upgraded
from tests.support.weekly import Weekly

pytestmark = pytest.mark.chaos

RANDOM_KILLS = 12


@pytest.fixture
def weekly(database_url: str, tmp_path: Path) -> Iterator[Weekly]:
    with open_upgraded(database_url) as storage:
        yield Weekly(storage, tmp_path)


def test_killed_before_every_access_to_the_database(weekly: Weekly, database_url: str) -> None:
    weekly.run(**small_week(weekly, 0))
    # A week has some hundred and fifty accesses: on one database all of them, elsewhere a sample has to do.
    every = {"sqlite": 1, "postgres": 2, "db2": 12}[weekly.storage.dialect.name]
    for week, accesses in enumerate(count(step=every), start=1):
        params = small_week(weekly, week)
        with run_elsewhere(database_url, weekly.root, params, die_before=accesses) as run:
            run.go()
            died = run.died()
        complete(weekly, params, f"killed before access {accesses}")
        if not died:
            break
    assert accesses > 30
    assert_as_if_nothing_had_happened(weekly, week + 1, small_week)


def test_killed_at_any_moment(weekly: Weekly, database_url: str) -> None:
    started = time.monotonic()
    weekly.run(**full_week(weekly, 0))
    duration = time.monotonic() - started
    for number in range(1, RANDOM_KILLS + 1):
        params = full_week(weekly, number)
        with run_elsewhere(database_url, weekly.root, params) as run:
            run.go()
            time.sleep(duration * (number - 0.5) / RANDOM_KILLS)
            run.kill()
        complete(weekly, params, f"killed after {number - 0.5} of {RANDOM_KILLS} parts of {duration:.2f} s")
    assert_as_if_nothing_had_happened(weekly, RANDOM_KILLS + 1, full_week)


def test_two_processes_at_the_same_week(weekly: Weekly, database_url: str) -> None:
    weekly.run(**small_week(weekly, 0))
    for number in range(1, 6):
        params = small_week(weekly, number)
        with (
            run_elsewhere(database_url, weekly.root, params) as one,
            run_elsewhere(database_url, weekly.root, params) as other,
        ):
            one.go()
            other.go()
            results = one.result(), other.result()
        for step in ("ingest", "normalize", "aggregate", "rolling"):
            assert sorted(result[step] for result in results) == ["done", "unchanged"], step
        complete(weekly, params, f"two at week {number}")
    assert weekly.counts()["core_captures"] == 6
    assert_as_if_nothing_had_happened(weekly, 6, small_week)
