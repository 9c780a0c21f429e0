"""A PostgreSQL server that stops, in good order or by a crash, and comes back, under a process that lives on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from spine.core.errors import DependencyError
from spine.storage.base import Storage
from spine.workflows.runner import StepRun
from tests.support.disturbed import assert_as_if_nothing_had_happened, complete, small_week
from tests.support.postgres import PostgresServer, running_postgres
from tests.support.storage import open_upgraded
from tests.support.weekly import Weekly

pytestmark = pytest.mark.chaos
STOPS = pytest.mark.parametrize("mode", ["fast", "immediate"])


@pytest.fixture(scope="module")
def own_server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A server that nobody else uses; skipped or required as the other one."""
    with running_postgres(may_crash=True) as server:
        yield server


@pytest.fixture
def weekly(own_server: PostgresServer, tmp_path: Path) -> Iterator[Weekly]:
    with own_server.database() as url, open_upgraded(url) as storage:
        yield Weekly(storage, tmp_path)


def numbers(first: int) -> pa.RecordBatch:
    return pa.record_batch({"n": pa.array(range(first, first + 50_000), pa.int64())})


def count(storage: Storage) -> int:
    return int(storage.query("SELECT COUNT(*) FROM numbers").scalar)


@STOPS
def test_a_restart_in_the_middle_of_a_load_leaves_nothing_of_it(
    weekly: Weekly, own_server: PostgresServer, mode: str
) -> None:
    storage = weekly.storage
    storage.execute("CREATE TABLE numbers (n BIGINT)")

    def batches() -> Iterator[pa.RecordBatch]:
        yield numbers(0)
        own_server.stop(mode)
        yield numbers(50_000)
        own_server.start()
        yield numbers(100_000)

    with pytest.raises(DependencyError) as caught, storage.transaction() as session:
        session.bulk_load("numbers", batches())
    assert caught.value.retryable
    assert count(storage) == 0
    with storage.transaction() as session:
        session.bulk_load("numbers", [numbers(0)])
    assert count(storage) == 50_000


@STOPS
def test_what_was_committed_survives_and_what_was_not_does_not(
    weekly: Weekly, own_server: PostgresServer, mode: str
) -> None:
    storage = weekly.storage
    storage.execute("CREATE TABLE numbers (n BIGINT)")
    storage.execute("INSERT INTO numbers VALUES (1)")
    with pytest.raises(DependencyError), storage.transaction() as session:
        session.execute("INSERT INTO numbers VALUES (2)")
        own_server.stop(mode)
        own_server.start()
    assert storage.query("SELECT n FROM numbers").rows == [(1,)]


def test_while_it_is_down_every_try_fails_and_may_be_repeated(weekly: Weekly, own_server: PostgresServer) -> None:
    own_server.stop()
    for _ in range(3):
        with pytest.raises(DependencyError) as caught:
            weekly.storage.query("SELECT 1 AS one")
        assert caught.value.retryable
    own_server.start()
    assert weekly.storage.query("SELECT 1 AS one").scalar == 1


@STOPS
def test_a_restart_between_steps_costs_one_step(weekly: Weekly, own_server: PostgresServer, mode: str) -> None:
    weekly.run(**small_week(weekly, 0))
    stages = ("ingest", "aggregate", "should_compute_rolling")
    for number, stage in enumerate(stages, start=1):

        def restart(step: str, _: StepRun, stage: str = stage) -> None:
            if step == stage:
                own_server.stop(mode)
                own_server.start()

        params = small_week(weekly, number)
        ended = weekly.attempt(restart, **params)
        failed = [step.result for step in ended.steps.values() if step.state == "failed"]
        assert [result.error and result.error["category"] for result in failed if result] == ["DEPENDENCY"]
        complete(weekly, params, f"restarted after {stage}")
    assert_as_if_nothing_had_happened(weekly, len(stages) + 1, small_week)
