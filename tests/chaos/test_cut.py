"""Connections that break at the worst moments, on a real line to a real server.

Whoever commits and hears nothing cannot know whether it is done. Each stage is in the ledger or it is not, so the next
run can.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import DependencyError, SpineError, TransientError
from spine.core.results import StepResult
from spine.pipelines.context import StepContext
from spine.pipelines.load_table import load_table
from spine.pipelines.registry import get_pipeline
from spine.storage.ledger import Stage
from spine.storage.migrations import status, upgrade
from tests.support.cut_line import CutLine, cut_line
from tests.support.disturbed import assert_as_if_nothing_had_happened, complete, full_week, small_week
from tests.support.include import INCLUDE
from tests.support.invariants import broken_invariants
from tests.support.storage import open_storage
from tests.support.tcp_proxy import Break, Proxy, Way
from tests.support.weekly import PREFIX, Weekly

pytestmark = pytest.mark.chaos

STAGES = {
    Stage.INGESTED: "ingest_week",
    Stage.NORMALIZED: "normalize_week",
    Stage.AGGREGATED: "aggregate_week",
    Stage.ROLLING: "compute_rolling",
}
SQL_DIR = INCLUDE / "sql"
LOST = pytest.mark.parametrize("way", Way, ids={Way.REQUEST: "lost on its way", Way.ANSWER: "done and unheard"}.get)


@dataclass(frozen=True, slots=True)
class Line:
    """Two deployments on one database: ``weekly`` by a line that can break, ``safe`` by one that holds."""

    cut: CutLine
    weekly: Weekly
    safe: Weekly

    @property
    def proxy(self) -> Proxy:
        return self.cut.proxy

    def commit(self, way: Way, nth: int = 0, after: bytes = b"") -> Break:
        return self.cut.commit(way, nth, after)


@pytest.fixture(params=["postgres", "db2"])
def empty(request: pytest.FixtureRequest) -> Iterator[CutLine]:
    """A database without tables."""
    with cut_line(request.getfixturevalue(f"{request.param}_url")) as line:
        yield line


@pytest.fixture
def line(empty: CutLine, tmp_path: Path) -> Line:
    upgrade(empty.safe, SQL_DIR)
    safe = Weekly(empty.safe, tmp_path)
    return Line(empty, Weekly(empty.storage, tmp_path, safe.clock), safe)


def lost(line: Line, plan: Break, work: Callable[[], object]) -> SpineError:
    """The error of work whose connection breaks, which is one to try again after."""
    line.proxy.arm(plan)
    with pytest.raises((DependencyError, TransientError)) as caught:
        work()
    assert line.proxy.broke
    line.proxy.arm(None)
    assert caught.value.retryable
    return caught.value


def run_stage(weekly: Weekly, stage: Stage, params: dict[str, Any]) -> StepResult:
    """A stage of the newest week there is."""
    found = weekly.scalar("SELECT MAX(capture_id) FROM core_captures")
    outputs = {} if stage is Stage.INGESTED else {"ingest": {"capture_id": found}}
    context = StepContext(weekly.storage, weekly.settings, params, outputs, clock=weekly.clock)
    return get_pipeline(f"finra.otc_transparency.{STAGES[stage]}").run(context)


def finished(weekly: Weekly, params: dict[str, Any]) -> set[str]:
    """The stages of a week that are in the ledger."""
    sql = (
        "SELECT m.stage FROM core_manifest m JOIN core_captures c ON c.capture_id = m.capture_id "
        "WHERE c.week_ending = :week"
    )
    week = dt.date.fromisoformat(params["week_ending"])
    return {row[0] for row in weekly.storage.query(sql, {"week": week}).rows}


@LOST
def test_a_commit_that_is_cut_is_done_once(line: Line, way: Way) -> None:
    line.safe.run(**small_week(line.safe, 0))
    params = small_week(line.safe, 1)
    for stage in Stage:
        publishing = line.commit(way, after=b"INSERT INTO core_manifest")
        lost(line, publishing, lambda stage=stage: run_stage(line.weekly, stage, params))
        assert (stage in finished(line.safe, params)) == (way is Way.ANSWER)
        assert not broken_invariants(line.safe)
        again = run_stage(line.weekly, stage, params)
        assert again.status == ("unchanged" if way is Way.ANSWER else "done")
    complete(line.weekly, params, "every commit was cut")
    assert_as_if_nothing_had_happened(line.safe, 2, small_week)


@LOST
@pytest.mark.parametrize("empty", ["postgres"], indirect=True)
def test_whichever_commit_of_a_run_is_cut_the_next_run_completes(line: Line, way: Way) -> None:
    """Also those of leases, of checks and of rooms for rows."""
    for number in count():
        params = small_week(line.safe, number)
        line.proxy.arm(line.commit(way, number))
        ended = line.weekly.attempt(**params)
        broke = line.proxy.broke
        line.proxy.arm(None)
        for step in ended.steps.values():
            assert step.state != "failed" or (step.result and step.result.error and step.result.error["retryable"])
        complete(line.weekly, params, f"commit {number} was {way}")
        if not broke:
            break
    assert number > 8
    assert_as_if_nothing_had_happened(line.safe, number + 1, small_week)


def test_a_load_that_is_cut_leaves_nothing(line: Line) -> None:
    line.proxy.arm(None)
    run_stage(line.weekly, Stage.INGESTED, full_week(line.safe, 0))
    sent = line.proxy.sent
    for number, part in enumerate((0.2, 0.5, 0.9), start=1):
        params, lines = full_week(line.safe, number), line.safe.counts()[f"{PREFIX}_lines"]
        cut = Break(Way.REQUEST, after_bytes=int(sent * part))
        lost(line, cut, lambda params=params: run_stage(line.weekly, Stage.INGESTED, params))
        assert line.safe.counts()["core_captures"] == number
        assert line.safe.counts()[f"{PREFIX}_lines"] == lines
        assert run_stage(line.weekly, Stage.INGESTED, params).status == "done"
        assert not broken_invariants(line.safe)


@LOST
def test_an_append_whose_commit_is_cut_adds_its_rows_once(line: Line, way: Way) -> None:
    line.safe.storage.execute(f"CREATE TABLE notes (note {line.safe.storage.dialect.types['text']})")
    source = {"type": "file", "path": line.safe.write("note\none\ntwo\n", "notes.csv")}
    load = {"dataset": "notes", "source": source, "table": "notes", "columns": {"note": None}, "mode": "append"}
    context = line.weekly.context(load=load)
    publishing = line.commit(way, after=b"INSERT INTO core_manifest")
    lost(line, publishing, lambda: load_table.run(context))
    assert load_table.run(context).status == ("unchanged" if way is Way.ANSWER else "done")
    assert line.safe.scalar("SELECT COUNT(*) FROM notes") == 2


@LOST
def test_an_upgrade_that_is_cut_is_whole_or_was_not(empty: CutLine, way: Way) -> None:
    everything = status(empty.safe, SQL_DIR).pending
    empty.proxy.arm(empty.commit(way, after=everything[-1].encode()))
    with pytest.raises(DependencyError):
        upgrade(empty.storage, SQL_DIR)
    empty.proxy.arm(None)
    found = status(empty.safe, SQL_DIR)
    assert (found.applied, found.pending) == ((everything, []) if way is Way.ANSWER else ([], everything))
    assert upgrade(empty.storage, SQL_DIR) == found.pending
    assert status(empty.safe, SQL_DIR).pending == []


def test_a_server_that_accepts_and_says_nothing_is_given_up(empty: CutLine) -> None:
    empty.proxy.arm(Break(Way.REQUEST, silent=True))
    option = {"postgres": "connect_timeout=2", "db2": "connecttimeout=1"}[empty.storage.dialect.name]
    with (
        open_storage(f"{empty.url}{'&' if '?' in empty.url else '?'}{option}") as storage,
        pytest.raises(DependencyError) as caught,
    ):
        storage.tables()
    assert caught.value.retryable
