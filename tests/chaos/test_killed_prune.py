"""A prune that is killed at every point there is, and run again."""

from __future__ import annotations

import datetime as dt
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from spine.pipelines.retention import Pruning, RetentionRule
from spine.storage.base import Storage
from spine.storage.ledger import Stage
from tests.support.elsewhere import die_before_access
from tests.support.histories import add_history_capture, partition_of
from tests.support.peers import peer
from tests.support.storage import open_storage
from tests.support.weekly import LATEST, LEDGER, LINES, Weekly

pytestmark = pytest.mark.chaos

SUPERSEDED = 2  # captures of each week beside the one that readers see
ROWS = 6  # of one capture: see tests.support.histories
OF_CAPTURES = [table for table in LEDGER if table not in ("core_captures", "core_manifest")]


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    return Weekly(upgraded_storage, tmp_path)


def add_week(weekly: Weekly, number: int) -> None:
    for revision in range(SUPERSEDED + 1):
        add_history_capture(weekly.storage, partition_of(number), revision, Stage)


def prune(weekly: Weekly, number: int) -> list[str]:
    week = partition_of(number).week_ending
    rule = RetentionRule(dt.datetime(2027, 1, 1, tzinfo=dt.UTC), first_week=week, last_week=week)
    pruning = Pruning(weekly.context(), rule, "somebody")
    return [outcome.left_because for outcome in pruning.carry_out(pruning.plan())]


def prune_and_die(pipe: Connection, url: str, root: Path, number: int, accesses: int) -> None:
    with open_storage(url) as storage:
        with storage.transaction() as session:
            session.query("SELECT capture_id FROM core_captures")
        die_before_access(type(session), accesses)
        prune(Weekly(storage, root), number)


def half_pruned(weekly: Weekly, number: int) -> list[str]:
    """Captures of which some rows are gone and others are there, or whose record says something else."""
    return [row["capture_id"] for row in weekly.rows("core_captures", **week(number)) if is_half_pruned(weekly, row)]


def is_half_pruned(weekly: Weekly, capture: dict[str, Any]) -> bool:
    sql = "SELECT COUNT(*) FROM {} WHERE {} = :key"
    columns = {table: "capture_no" if table == LINES else "capture_id" for table in OF_CAPTURES}
    rows = sum(int(weekly.scalar(sql.format(table, name), key=capture[name])) for table, name in columns.items())
    pruned, records = capture["pruned_at"] is not None, weekly.rows("core_prunes", capture_id=capture["capture_id"])
    return rows != (0 if pruned else ROWS) or len(records) != pruned


def week(number: int) -> dict[str, Any]:
    return {"week_ending": partition_of(number).week_ending}


def test_killed_before_every_access_to_the_database(weekly: Weekly, database_url: str) -> None:
    every = 5 if weekly.storage.dialect.name == "db2" else 1  # Derby takes its time
    for number, accesses in enumerate(count(step=every)):
        add_week(weekly, number)
        seen = {view: weekly.rows(view, **week(number)) for view in LATEST}
        with peer(prune_and_die, database_url, weekly.root, number, accesses) as other:
            other.process.join(60)
            died = bool(other.process.exitcode)
        assert not half_pruned(weekly, number), f"killed before access {accesses}"
        assert set(prune(weekly, number)) <= {""}, accesses
        assert not half_pruned(weekly, number), f"run again after it was killed before access {accesses}"
        assert {view: weekly.rows(view, **week(number)) for view in LATEST} == seen
        if not died:
            break
    assert accesses > 40
    assert len(weekly.rows("core_prunes")) == SUPERSEDED * (number + 1)
