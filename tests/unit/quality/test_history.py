"""The captures of one week, on both databases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from spine.core.partitions import Partition
from spine.core.tiers import Tier
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.quality.history import partition_history
from spine.storage.base import Storage
from spine.storage.ledger import Stage
from tests.support.ledger import ALL, add_capture
from tests.support.weekly import FRIDAY, Weekly, file_of, line

WEEK = dt.date(2026, 4, 10)


def _partition(week: dt.date) -> Partition:
    return Partition(OTC_TRANSPARENCY.name, Tier.OTCE, week)


def test_a_week_without_captures_has_no_history(upgraded_storage: Storage) -> None:
    assert partition_history(upgraded_storage, _partition(WEEK)) == []


def test_the_newest_capture_comes_first_with_its_own_stages(upgraded_storage: Storage) -> None:
    add_capture(upgraded_storage, Tier.OTCE, WEEK, ALL[:2], run_id="first")
    add_capture(upgraded_storage, Tier.OTCE, WEEK, ALL[:1], revision=1, run_id="second")
    add_capture(upgraded_storage, Tier.T1, WEEK)
    [newest, first] = partition_history(upgraded_storage, _partition(WEEK))
    assert [stage.stage for stage in first.stages] == [Stage.INGESTED, Stage.NORMALIZED]
    assert [(stage.stage, stage.execution_id) for stage in newest.stages] == [(Stage.INGESTED, "second")]
    assert (first.shares, first.trades) == (1234, 56)
    assert (newest.shares, newest.trades) == (None, None)
    assert first.stages[0].finished_at == dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


def test_rejects_are_counted_by_stage_and_reason(upgraded_storage: Storage, tmp_path: Path) -> None:
    weekly = Weekly(upgraded_storage, tmp_path)
    lines = [line("AAAA", shares="2.5"), line("", shares=7), line("", shares=8), line("BBBB", shares="many")]
    weekly.load(file_path=weekly.write(file_of(*lines)), tier="OTCE", week_ending=FRIDAY.isoformat())
    [capture] = partition_history(upgraded_storage, _partition(FRIDAY))
    counted = {(each.stage, each.reason_code): each.row_count for each in capture.rejects}
    assert counted[Stage.NORMALIZED, "EMPTY_SYMBOL"] == 2
    assert sum(counted.values()) == 3
    assert (capture.shares, capture.trades) == ("2.5", 5)
