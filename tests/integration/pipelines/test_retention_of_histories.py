"""Whatever the history: pruning changes nothing that a reader of today sees, and takes only what may go."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spine.pipelines.retention import Pruning, RetentionRule
from spine.storage.base import Storage
from spine.storage.ledger import Stage
from tests.support.histories import START, add_history_capture, partition_of
from tests.support.weekly import LATEST, LEDGER, LINES, Weekly

pytestmark = pytest.mark.integration

WEEKS, CAPTURES = 3, 12
DAYS = (1, 2, 3, CAPTURES)  # captures of a week are a day apart, so the last lets all of them go
OF_CAPTURES = [table for table in LEDGER if table not in ("core_captures", "core_manifest")]


@dataclass(frozen=True)
class Made:
    """One capture of a history. ``inputs``: of the captures made before it."""

    week: int
    stages: int
    held: bool
    inputs: frozenset[int]


MADE = st.builds(
    Made,
    week=st.integers(0, WEEKS - 1),
    stages=st.integers(1, len(Stage)),
    held=st.sampled_from((False, False, False, True)),
    inputs=st.frozensets(st.integers(0, CAPTURES - 1), max_size=3),
)
HISTORIES = st.lists(MADE, min_size=2, max_size=CAPTURES)


def make(storage: Storage, history: list[Made]) -> dict[str, Made]:
    """Write it, in place of what was there; the captures by id."""
    for table in (*LEDGER, "core_prunes"):
        storage.execute(f"DELETE FROM {table}")
    names: list[str] = []
    for each in history:
        revision = sum(history[number].week == each.week for number in range(len(names)))
        inputs = [names[number] for number in each.inputs if number < len(names)]
        partition, stages = partition_of(each.week), list(Stage)[: each.stages]
        names.append(add_history_capture(storage, partition, revision, stages, held=each.held, inputs=inputs))
    return dict(zip(names, history, strict=True))


def rows_of(weekly: Weekly, capture: Mapping[str, Any]) -> dict[str, int]:
    sql = "SELECT COUNT(*) FROM {table} WHERE {column} = :key"
    columns = {table: "capture_no" if table == LINES else "capture_id" for table in OF_CAPTURES}
    return {
        table: int(weekly.scalar(sql.format(table=table, column=column), key=capture[column]))
        for table, column in columns.items()
    }


def protected(weekly: Weekly, made: Mapping[str, Made], keep: int) -> set[str]:
    """What must stay: held, the newest of each week, what readers see, what the newest rolling figures rest on."""
    names = list(made)
    shown = {(row["capture_id"], row["stage"]) for row in weekly.rows("core_latest")}
    rolling = [name for name, stage in shown if stage == "ROLLING"]
    inputs = {names[n] for name in rolling for n in made[name].inputs if n < names.index(name)}
    newest = {name for week in range(WEEKS) for name in [n for n in names if made[n].week == week][-keep:]}
    return {name for name in names if made[name].held} | newest | {name for name, _ in shown} | inputs


@given(HISTORIES, st.integers(1, 2), st.sampled_from(DAYS))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_only_what_may_go_goes(
    upgraded_storage: Storage, tmp_path: Path, history: list[Made], keep: int, day: int
) -> None:
    weekly = Weekly(upgraded_storage, tmp_path)
    made = make(upgraded_storage, history)
    before = {row["capture_id"]: row for row in weekly.rows("core_captures")}
    rows = {name: rows_of(weekly, capture) for name, capture in before.items()}
    seen = {view: weekly.rows(view) for view in (*LATEST, "core_latest")}
    manifest, must_stay = weekly.rows("core_manifest"), protected(weekly, made, keep)
    rule = RetentionRule(START + dt.timedelta(days=day, seconds=1), keep=keep)
    pruning = Pruning(weekly.context(), rule, "somebody")
    planned = pruning.plan()
    outcomes = list(pruning.carry_out(planned))

    gone = {each.capture_id for each in outcomes}
    assert not gone & must_stay
    if day == CAPTURES:  # the rule lets everything go that was superseded at all
        assert gone == before.keys() - must_stay
    assert {name: dict(each.rows) for each in outcomes if (name := each.capture_id)} == {
        name: rows[name] for name in gone
    }
    assert [dict(each.rows) for each in planned] == [dict(each.rows) for each in outcomes]
    after = {row["capture_id"]: row for row in weekly.rows("core_captures")}
    for name, capture in after.items():
        assert (capture["pruned_at"] is not None) == (name in gone)
        assert rows_of(weekly, capture) == (dict.fromkeys(OF_CAPTURES, 0) if name in gone else rows[name])
    assert {view: weekly.rows(view) for view in seen} == seen
    assert weekly.rows("core_manifest") == manifest
    assert {row["capture_id"]: row["row_count"] for row in weekly.rows("core_prunes")} == {
        name: sum(rows[name].values()) for name in gone
    }
    assert pruning.plan() == []
