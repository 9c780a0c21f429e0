"""Captures, stages, holds and rejects, and which capture readers see."""

from __future__ import annotations

import datetime as dt
import json
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spine.core.errors import LoadError
from spine.core.partitions import Partition, capture_id
from spine.core.rejects import Reject
from spine.core.tiers import Tier
from spine.storage.base import Storage
from spine.storage.ledger import (
    Capture,
    RunStamp,
    Stage,
    captures_of,
    find_capture,
    finish_capture,
    insert_capture,
    newest_capture,
    record_rejects,
    record_stage,
    set_hold,
    stage_metrics,
)

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 1, 5, 11, 0, 0, 7, tzinfo=dt.UTC)
STAMP = RunStamp("run-1", "batch-1", NOW)
SUMMARY = "ATS_W_SMBL_FIRM"
WEEK = dt.date(2025, 11, 14)
PARTITION = Partition("finra.otc_transparency", Tier.OTCE, WEEK)


def opening(partition: Partition, revision: int, **changes: Any) -> dict[str, Any]:
    """The columns of a capture row."""
    captured_at = NOW + dt.timedelta(minutes=revision)
    values = {
        "capture_id": capture_id(partition, captured_at),
        "domain": partition.dataset,
        "tier": str(partition.tier),
        "week_ending": partition.week_ending,
        "summary_type": SUMMARY,
        "revision": revision,
        "captured_at": captured_at,
        "source_type": "file",
        "source_name": "wöche.csv",
        "source_bytes": 3_000_000_000,
        "source_sha256": "ab" * 32,
        "content_hash": "cd" * 32,
        "line_count": 10,
        "parsed_count": 9,
        "rejected_count": 1,
        "is_forced": 0,
        "execution_id": "run-1",
        "batch_id": None,
    }
    return values | changes


def add(storage: Storage, revision: int, partition: Partition = PARTITION, **changes: Any) -> Capture:
    values = opening(partition, revision, **changes)
    with storage.transaction() as session:
        insert_capture(session, values)
    found = find_capture(storage, values["capture_id"])
    assert found is not None
    return found


def finish(storage: Storage, capture: Capture, stage: Stage, rows: int = 9) -> None:
    with storage.transaction() as session:
        record_stage(session, capture, stage, row_count=rows, metrics={"parsed": rows}, stamp=STAMP)


def latest(storage: Storage, stage: Stage = Stage.INGESTED) -> list[str]:
    sql = "SELECT capture_id FROM core_latest WHERE stage = :stage ORDER BY capture_id"
    return [row[0] for row in storage.query(sql, {"stage": str(stage)}).rows]


def test_a_capture_reads_as_it_was_written(upgraded_storage: Storage) -> None:
    capture = add(upgraded_storage, 0)
    assert (capture.partition, capture.summary_type, capture.revision) == (PARTITION, SUMMARY, 0)
    assert (capture.captured_at, capture.source_bytes, capture.source_name) == (NOW, 3_000_000_000, "wöche.csv")
    assert capture.hold_reason is None
    assert newest_capture(upgraded_storage, PARTITION, SUMMARY) == capture


def test_numbers_of_captures_grow(upgraded_storage: Storage) -> None:
    numbers = [add(upgraded_storage, revision).capture_no for revision in range(3)]
    assert numbers == sorted(set(numbers))


def test_captures_of_a_partition_come_newest_first_and_alone(upgraded_storage: Storage) -> None:
    for revision in range(12):
        add(upgraded_storage, revision)
    add(upgraded_storage, 0, Partition(PARTITION.dataset, Tier.T1, WEEK))
    add(upgraded_storage, 0, Partition(PARTITION.dataset, Tier.OTCE, WEEK + dt.timedelta(days=7)))
    add(upgraded_storage, 0, summary_type="OTHER", capture_id="other")
    found = captures_of(upgraded_storage, PARTITION, SUMMARY)
    assert [capture.revision for capture in found] == list(range(11, -1, -1))


def test_what_is_not_there(upgraded_storage: Storage) -> None:
    assert find_capture(upgraded_storage, "nothing") is None
    assert newest_capture(upgraded_storage, PARTITION, SUMMARY) is None
    assert stage_metrics(upgraded_storage, "nothing", Stage.INGESTED) is None


def test_counts_are_filled_in_at_the_end(upgraded_storage: Storage) -> None:
    first, second = add(upgraded_storage, 0), add(upgraded_storage, 1)
    with upgraded_storage.transaction() as session:
        finish_capture(
            session, first.capture_id, {"line_count": 7, "source_last_update_date": WEEK, "content_hash": "x"}
        )
    changed = find_capture(upgraded_storage, first.capture_id)
    assert changed is not None
    assert (changed.line_count, changed.content_hash) == (7, "x")
    assert find_capture(upgraded_storage, second.capture_id) == second


@pytest.mark.parametrize(("revision", "name"), [(0, "another"), (1, "first")], ids=["same revision", "same name"])
def test_two_captures_cannot_be_the_same(upgraded_storage: Storage, revision: int, name: str) -> None:
    add(upgraded_storage, 0, capture_id="first")
    with pytest.raises(LoadError):
        add(upgraded_storage, revision, capture_id=name)
    assert [capture.capture_id for capture in captures_of(upgraded_storage, PARTITION, SUMMARY)] == ["first"]


def test_of_writers_of_one_revision_one_wins(upgraded_storage: Storage) -> None:
    """All looked, all saw none, all write revision 0."""
    barrier, results = threading.Barrier(3), []

    def write(name: str) -> None:
        barrier.wait(30)
        try:
            add(upgraded_storage, 0, capture_id=name)
            results.append("written")
        except LoadError:
            results.append("refused")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["refused", "refused", "written"]
    assert len(captures_of(upgraded_storage, PARTITION, SUMMARY)) == 1


def test_a_stage_is_recorded_with_its_metrics(upgraded_storage: Storage) -> None:
    capture = add(upgraded_storage, 0)
    with upgraded_storage.transaction() as session:
        metrics = {"tables": {"ü": 1}, "shares": "1.5", "none": None}
        record_stage(session, capture, Stage.NORMALIZED, row_count=2**40, metrics=metrics, stamp=STAMP)
    assert stage_metrics(upgraded_storage, capture.capture_id, Stage.NORMALIZED) == {**metrics, "row_count": 2**40}
    assert stage_metrics(upgraded_storage, capture.capture_id, Stage.INGESTED) is None


def test_a_stage_that_is_done_again_replaces_itself(upgraded_storage: Storage) -> None:
    capture = add(upgraded_storage, 0)
    finish(upgraded_storage, capture, Stage.INGESTED, rows=1)
    finish(upgraded_storage, capture, Stage.NORMALIZED, rows=2)
    finish(upgraded_storage, capture, Stage.INGESTED, rows=3)
    rows = upgraded_storage.query("SELECT stage, stage_rank, row_count FROM core_manifest ORDER BY stage_rank").rows
    assert rows == [("INGESTED", 1, 3), ("NORMALIZED", 2, 2)]


def test_a_stage_and_its_rows_fall_together(upgraded_storage: Storage) -> None:
    capture = add(upgraded_storage, 0)
    with pytest.raises(ValueError, match="late"), upgraded_storage.transaction() as session:
        record_stage(session, capture, Stage.INGESTED, row_count=1, metrics={}, stamp=STAMP)
        record_rejects(session, capture, Stage.INGESTED, [Reject(1, "X", "x", {})], STAMP)
        raise ValueError("late")
    assert stage_metrics(upgraded_storage, capture.capture_id, Stage.INGESTED) is None
    assert upgraded_storage.query("SELECT COUNT(*) AS n FROM core_rejects").scalar == 0


def test_rejects_keep_what_can_be_replayed(upgraded_storage: Storage) -> None:
    capture = add(upgraded_storage, 0)
    raws: list[dict[str, Any]] = [
        {"symbol": "ÄÖ|🎉", "total": None},
        {"symbol": "A\0B", "quote": "'\"\\", "lines": "a\nb"},
        {},
        {"long": "x" * 50_000},
    ]
    rejects = [Reject(n, "BAD_VALUE", f"value {raw!r}"[:300], raw, raw.get("symbol", "")) for n, raw in enumerate(raws)]
    with upgraded_storage.transaction() as session:
        record_rejects(session, capture, Stage.INGESTED, [*rejects, Reject(9, "X", "nul \0 here", {}, "k\0")], STAMP)
    rows = list(upgraded_storage.query("SELECT * FROM core_rejects ORDER BY line_number"))
    assert [json.loads(row["raw_json"]) for row in rows] == [*raws, {}]
    assert [row["line_number"] for row in rows] == [0, 1, 2, 3, 9]
    assert (rows[-1]["reason_detail"], rows[-1]["record_key"]) == ("nul \ufffd here", "k\ufffd")
    assert {(row["execution_id"], row["batch_id"], row["source_locator"]) for row in rows} == {
        ("run-1", "batch-1", "wöche.csv")
    }


def test_rejects_of_a_run_without_a_batch(upgraded_storage: Storage) -> None:
    capture = add(upgraded_storage, 0)
    with upgraded_storage.transaction() as session:
        record_rejects(session, capture, Stage.INGESTED, [Reject(1, "X", "x", {})], RunStamp("run-2", None, NOW))
        record_rejects(session, capture, Stage.NORMALIZED, [], STAMP)
    assert upgraded_storage.query("SELECT batch_id FROM core_rejects").rows == [(None,)]


def test_when_a_line_was_rejected_compares_with_other_instants(upgraded_storage: Storage) -> None:
    capture = add(upgraded_storage, 0)
    with upgraded_storage.transaction() as session:
        record_rejects(session, capture, Stage.INGESTED, [Reject(1, "X", "x", {})], STAMP)
        record_stage(session, capture, Stage.INGESTED, row_count=1, metrics={}, stamp=STAMP)
    sql = "SELECT COUNT(*) AS n FROM core_rejects r JOIN core_manifest m ON m.updated_at = r.created_at"
    assert upgraded_storage.query(sql).scalar == 1
    assert (
        upgraded_storage.query("SELECT COUNT(*) AS n FROM core_rejects WHERE created_at = :at", {"at": NOW}).scalar == 1
    )


def test_a_line_is_rejected_once_in_a_stage(upgraded_storage: Storage) -> None:
    capture = add(upgraded_storage, 0)
    with pytest.raises(LoadError), upgraded_storage.transaction() as session:
        record_rejects(session, capture, Stage.INGESTED, [Reject(1, "X", "x", {}), Reject(1, "Y", "y", {})], STAMP)
    with upgraded_storage.transaction() as session:
        for stage in (Stage.INGESTED, Stage.NORMALIZED):
            record_rejects(session, capture, stage, [Reject(1, "X", "x", {})], STAMP)
    assert upgraded_storage.query("SELECT COUNT(*) AS n FROM core_rejects").scalar == 2


def test_readers_see_the_newest_capture_that_finished(upgraded_storage: Storage) -> None:
    old, new = add(upgraded_storage, 0), add(upgraded_storage, 1)
    assert latest(upgraded_storage) == []
    finish(upgraded_storage, old, Stage.INGESTED)
    assert latest(upgraded_storage) == [old.capture_id]
    finish(upgraded_storage, new, Stage.INGESTED)
    finish(upgraded_storage, old, Stage.NORMALIZED)
    assert latest(upgraded_storage) == [new.capture_id]
    assert latest(upgraded_storage, Stage.NORMALIZED) == [old.capture_id]


def test_a_held_capture_is_not_seen_until_it_is_released(upgraded_storage: Storage) -> None:
    old, new = add(upgraded_storage, 0), add(upgraded_storage, 1)
    for capture in (old, new):
        finish(upgraded_storage, capture, Stage.INGESTED)
    set_hold(upgraded_storage, new.capture_id, "volume fell by 90 %")
    assert latest(upgraded_storage) == [old.capture_id]
    held = find_capture(upgraded_storage, new.capture_id)
    assert held is not None
    assert held.hold_reason == "volume fell by 90 %"
    set_hold(upgraded_storage, old.capture_id, "")
    assert latest(upgraded_storage) == []
    set_hold(upgraded_storage, new.capture_id, None)
    assert latest(upgraded_storage) == [new.capture_id]


@dataclass
class Model:
    """What the ledger promises, in a few lines: revisions of a partition, the stages each finished, the held ones."""

    stages: dict[tuple[int, int], set[Stage]] = field(default_factory=dict)
    held: set[tuple[int, int]] = field(default_factory=set)

    def latest(self) -> set[tuple[int, int, str]]:
        found = set()
        for stage in Stage:
            for week in {week for week, _ in self.stages}:
                seen = [
                    key
                    for key, done in self.stages.items()
                    if key[0] == week and stage in done and key not in self.held
                ]
                if seen:
                    found.add((*max(seen), str(stage)))
        return found


WEEKS = 2
TARGETS = st.integers(0, 5)
ACTIONS = st.one_of(
    st.tuples(st.just("add"), st.integers(0, WEEKS - 1), st.none()),
    st.tuples(st.just("finish"), TARGETS, st.sampled_from(Stage)),
    st.tuples(st.just("hold"), TARGETS, st.none()),
    st.tuples(st.just("release"), TARGETS, st.none()),
)


@given(st.lists(ACTIONS, min_size=4, max_size=25))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_readers_see_follows_the_model(
    upgraded_storage: Storage, actions: list[tuple[str, int, Stage | None]]
) -> None:
    for table in ("core_manifest", "core_captures"):
        upgraded_storage.execute(f"DELETE FROM {table}")
    model = Model()
    captures: dict[tuple[int, int], Capture] = {}
    for action, number, stage in actions:
        if action == "add":
            partition = Partition(PARTITION.dataset, Tier.OTCE, WEEK + dt.timedelta(weeks=number))
            revision = sum(week == number for week, _ in captures)
            captures[number, revision] = add(upgraded_storage, revision, partition)
            model.stages[number, revision] = set()
        elif captures:
            key = list(captures)[number % len(captures)]
            apply(upgraded_storage, model, captures[key], key, action, stage)
    keys = {capture.capture_id: key for key, capture in captures.items()}
    rows = upgraded_storage.query("SELECT capture_id, stage FROM core_latest").rows
    assert len(rows) == len(set(rows))
    assert {(*keys[name], stage) for name, stage in rows} == model.latest()


def apply(
    storage: Storage, model: Model, capture: Capture, key: tuple[int, int], action: str, stage: Stage | None
) -> None:
    if action == "finish":
        assert stage is not None
        finish(storage, capture, stage)
        model.stages[key].add(stage)
    elif action == "hold":
        set_hold(storage, capture.capture_id, "held")
        model.held.add(key)
    else:
        set_hold(storage, capture.capture_id, None)
        model.held.discard(key)
