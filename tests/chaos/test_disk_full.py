"""A disk without room, at whatever moment it runs out, and the same run once there is some."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from spine.core.errors import ResourceError
from spine.finra.simulator import running_simulator
from spine.storage.sqlite import SqliteStorage
from spine.workflows.runner import StepRun, WorkflowRun
from tests.support.disturbed import assert_as_if_nothing_had_happened, complete, full_week
from tests.support.finra import MARKET, NOW
from tests.support.invariants import broken_invariants
from tests.support.postgres import PostgresServer, account
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.storage import open_upgraded
from tests.support.weekly import Clock, SimulatorConnections, Weekly

pytestmark = pytest.mark.chaos


def why(ended: WorkflowRun) -> list[str]:
    """The categories of what failed."""
    return [str(step.result.error["category"]) for step in ended.steps.values() if step.result and step.result.error]


def disturb(weekly: Weekly, disk: SmallDisk) -> None:
    """The disk fills up after each step in turn."""
    weekly.run(**full_week(weekly, 0))
    steps = ("nothing", "ingest", "aggregate")
    for number, after in enumerate(steps, start=1):

        def fill(step: str, _: StepRun | None = None, after: str = after) -> None:
            if step == after:
                if weekly.storage.dialect.name == "sqlite":  # its log keeps the room it once had
                    weekly.storage.query("PRAGMA wal_checkpoint(TRUNCATE)")
                disk.fill()

        fill("nothing")
        params = full_week(weekly, number)
        assert why(weekly.attempt(fill, **params)) == ["RESOURCE"], after
        disk.relieve()
        complete(weekly, params, f"full after {after}")
    assert_as_if_nothing_had_happened(weekly, len(steps) + 1, full_week)


def test_sqlite_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(16) as disk, open_upgraded(f"sqlite:///{disk.path / 'spine.db'}") as storage:
        disturb(Weekly(storage, tmp_path), disk)


def test_postgres_on_a_full_disk(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with (
        small_disk(64, account()) as disk,
        postgres_server.tablespace(disk.path) as tablespace,
        postgres_server.database(tablespace=tablespace) as url,
        open_upgraded(url) as storage,
    ):
        disturb(Weekly(storage, tmp_path), disk)


class FewPages(SqliteStorage):
    """A database that may grow to some size: what a quota is, without a disk of its own."""

    pages = 0

    def _on_connect(self) -> Iterator[str]:
        yield from super()._on_connect()
        if self.pages:
            yield f"PRAGMA max_page_count = {self.pages}"


def test_a_database_that_may_not_grow(tmp_path: Path) -> None:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        Weekly(storage, tmp_path).run(**full_week(Weekly(storage, tmp_path), 0))
        pages = storage.query("PRAGMA page_count").scalar
    limited = FewPages(tmp_path / "spine.db")
    weekly = Weekly(limited, tmp_path)
    # Room for some of the rows that a stage writes, from none of the first to nearly all.
    for more in (0, 20, 60, 120):
        limited.close()
        limited.pages = pages + more
        assert why(weekly.attempt(**full_week(weekly, 1))) == ["RESOURCE"], more
        assert not broken_invariants(weekly)
    limited.close()
    limited.pages = 0
    complete(weekly, full_week(weekly, 1), "grown")
    assert_as_if_nothing_had_happened(weekly, 2, full_week)
    limited.close()


def test_postgres_without_room_for_temporary_files(postgres_url: str) -> None:
    options = "?options=-c%20temp_file_limit%3D0%20-c%20work_mem%3D64"
    with open_upgraded(postgres_url + options) as storage:
        with pytest.raises(ResourceError, match="temp_file_limit") as caught:
            storage.query("SELECT MAX(n) FROM (SELECT n FROM generate_series(1, 100000) n ORDER BY n DESC OFFSET 9) t")
        assert caught.value.retryable
        assert storage.query("SELECT 1 AS one").scalar == 1


def test_a_pull_without_room_to_set_it_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        small_disk(1) as disk,
        running_simulator(market=MARKET, now=NOW) as simulator,
        open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage,
    ):
        connections = SimulatorConnections(simulator.url)
        weekly = Weekly(storage, tmp_path, Clock(NOW), connections)
        params = {"tier": "T1", "source": "api"}
        monkeypatch.setattr(tempfile, "tempdir", str(disk.path))
        monkeypatch.setattr("spine.finra.spool.Spool.__init__.__defaults__", (1,))
        disk.fill()
        assert why(weekly.attempt(**params)) == ["RESOURCE"]
        assert not any(weekly.counts().values())
        disk.relieve()
        weekly.run(**params)
        assert not broken_invariants(weekly)
