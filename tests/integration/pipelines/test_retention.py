"""A restated week whose first capture is pruned: what everybody who asks for it later is told."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import window
from spine.pipelines.base import lease_key
from spine.pipelines.context import StepContext
from spine.pipelines.registry import get_pipeline
from spine.pipelines.retention import Outcome, Pruning, RetentionRule
from spine.quality.coverage import coverage
from spine.quality.doctor import examine
from spine.quality.history import partition_history
from spine.storage.as_of import read_as_of
from spine.storage.base import Storage
from spine.storage.leases import lease
from spine.storage.ledger import captures_of, set_hold
from tests.support.histories import SUMMARY_TYPE, partition_of
from tests.support.weekly import LATEST, LEDGER, PREFIX, Weekly, file_of, line

pytestmark = pytest.mark.integration

FRIDAYS = window(dt.date(2025, 11, 14), 2)
FIRST, SECOND = FRIDAYS
SUMMARY = f"{PREFIX}_symbol_summary"
NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
RULE = RetentionRule(NOW)


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    """Two weeks of OTCE, of which the first was restated since; one line of each breaks a rule."""
    weekly = Weekly(upgraded_storage, tmp_path)
    run(weekly, FIRST, 100)
    run(weekly, SECOND, 100)
    run(weekly, FIRST, 200)
    return weekly


def run(weekly: Weekly, week: dt.date, shares: int) -> dict[str, Any]:
    published = "2025-12-08" if week == FIRST else "2025-12-15"
    lines = [line(symbol, shares=shares + n, updated=published) for n, symbol in enumerate(("AAAA", "BBBB"))]
    path = weekly.write(file_of(*lines, line("", shares=7, updated=published)), f"{week}_{shares}.psv")
    params = {"tier": "OTCE", "week_ending": week.isoformat(), "file_path": path, "window_weeks": 2}
    return {name: result.to_dict() for name, result in weekly.run(**params).results.items()}


def prune(weekly: Weekly, rule: RetentionRule = RULE) -> list[Outcome]:
    pruning = Pruning(weekly.context(), rule, "somebody@somewhere")
    return list(pruning.carry_out(pruning.plan()))


def first_captures(weekly: Weekly) -> list[str]:
    """Of the restated week: the superseded one and its successor."""
    found = captures_of(weekly.storage, partition_of(5, Tier.OTCE), SUMMARY_TYPE)
    assert found[0].partition.week_ending == FIRST
    return [capture.capture_id for capture in found][::-1]


def test_its_rows_go_and_readers_see_what_they_saw(weekly: Weekly) -> None:
    old, _ = first_captures(weekly)
    seen, counts = {view: weekly.rows(view) for view in LATEST}, weekly.counts()
    [outcome] = prune(weekly)
    assert (outcome.capture_id, outcome.left_because) == (old, "")
    assert {view: weekly.rows(view) for view in LATEST} == seen
    removed = {table: counts[table] - now for table, now in weekly.counts().items()}
    assert removed == {table: outcome.rows.get(table, 0) for table in LEDGER}
    assert removed[f"{PREFIX}_lines"] == 3
    assert removed["core_rejects"] == 1
    assert prune(weekly) == []


def test_who_pruned_what_and_when_is_on_record(weekly: Weekly, caplog: pytest.LogCaptureFixture) -> None:
    old, new = first_captures(weekly)
    with caplog.at_level(logging.INFO, logger="spine"):
        [outcome] = prune(weekly)
    [row] = weekly.rows("core_prunes")
    assert (row["capture_id"], row["superseded_by"], row["pruned_by"]) == (old, new, "somebody@somewhere")
    assert row["row_count"] == sum(outcome.rows.values()) > 0
    [capture] = weekly.rows("core_captures", capture_id=old)
    assert str(capture["pruned_at"]) == str(row["pruned_at"])
    assert f"somebody@somewhere pruned {old}, {row['row_count']} rows: superseded by {new}" in caplog.text


def test_the_ledger_still_adds_up(weekly: Weekly) -> None:
    old, _ = first_captures(weekly)
    before = coverage(weekly.storage, tiers=[Tier.OTCE], weeks=2, end=SECOND, now=NOW)
    prune(weekly)
    after = examine(weekly.storage, weekly.settings.sql_dir, tiers=[Tier.OTCE], weeks=2, end=SECOND, now=NOW)
    assert [finding for finding in after.findings if finding.check == "ledger"] == []
    assert after.coverage is not None
    assert after.coverage.cells == before.cells
    [row] = weekly.rows("core_data_revisions")
    assert row["previous_capture_id"] == old


def test_rows_of_a_pruned_capture_that_are_there_are_found(weekly: Weekly) -> None:
    old, _ = first_captures(weekly)
    weekly.storage.execute(
        "UPDATE core_captures SET pruned_at = :now WHERE capture_id = :old", {"now": NOW, "old": old}
    )
    found = examine(weekly.storage, weekly.settings.sql_dir, tiers=[Tier.OTCE], weeks=2, end=SECOND, now=NOW)
    [finding] = [finding for finding in found.findings if finding.check == "ledger"]
    assert "rows of a pruned capture" in finding.message


def test_its_history_says_so_and_keeps_its_counts(weekly: Weekly) -> None:
    prune(weekly)
    new, old = partition_history(weekly.storage, partition_of(5, Tier.OTCE))
    assert new.capture.pruned_at is None
    assert old.capture.pruned_at is not None
    assert (old.capture.parsed_count, old.shares, len(old.stages)) == (3, 201, len(new.stages))


def test_its_content_is_known_again(weekly: Weekly) -> None:
    prune(weekly)
    counts = weekly.counts()
    stale = run(weekly, FIRST, 100)["ingest"]
    assert stale["status"] == "unchanged"
    assert "superseded by" in stale["message"]
    assert weekly.counts() == counts


def test_the_past_that_rested_on_it_is_an_error_that_names_it(weekly: Weekly) -> None:
    old, new = first_captures(weekly)
    then = captures_of(weekly.storage, partition_of(5, Tier.OTCE), SUMMARY_TYPE)[0].captured_at
    latest = weekly.clock()
    known = read_as_of(weekly.storage, SUMMARY, then)
    assert old in known["capture_id"].to_pylist()
    prune(weekly)
    for week in (FIRST, None):
        with pytest.raises(ValidationError, match=f"{old} .pruned on 2026-08-03.*omit_pruned=True"):
            read_as_of(weekly.storage, SUMMARY, then, week_ending=week)
    assert read_as_of(weekly.storage, SUMMARY, then, week_ending=SECOND).num_rows == 2
    left = read_as_of(weekly.storage, SUMMARY, then, omit_pruned=True)
    assert {str(week) for week in left["week_ending"].to_pylist()} == {SECOND.isoformat()}
    assert new in read_as_of(weekly.storage, SUMMARY, latest)["capture_id"].to_pylist()


def test_nothing_is_computed_from_it(weekly: Weekly) -> None:
    old, _ = first_captures(weekly)
    prune(weekly)
    given = {"ingest": {"capture_id": old}}
    context = StepContext(weekly.storage, weekly.settings, {}, given, clock=weekly.clock)
    for verb in ("normalize_week", "aggregate_week", "compute_rolling"):
        with pytest.raises(ValidationError, match=f"{old} were pruned"):
            get_pipeline(f"finra.otc_transparency.{verb}").run(context)


def test_a_capture_that_rolling_figures_still_name_stays(weekly: Weekly) -> None:
    """As it is between a restatement and the recomputation of the later weeks."""
    old, new = first_captures(weekly)
    name = "UPDATE core_manifest SET metrics_json = REPLACE(metrics_json, :name, :other) WHERE stage = 'ROLLING'"
    if weekly.storage.dialect.name == "db2":
        pytest.skip("Apache Derby replaces no text")
    weekly.storage.execute(name, {"name": new, "other": old})
    assert prune(weekly) == []
    weekly.storage.execute(name, {"name": old, "other": new})
    assert [outcome.capture_id for outcome in prune(weekly)] == [old]


def test_a_week_that_is_worked_on_is_left(weekly: Weekly) -> None:
    old, _ = first_captures(weekly)
    counts = weekly.counts()
    with lease(weekly.storage, lease_key(partition_of(5, Tier.OTCE)), "worker", clock=weekly.clock):
        [left] = prune(weekly)
    assert left.capture_id == old
    assert "is held by run worker" in left.left_because
    assert weekly.counts() == counts
    [pruned] = prune(weekly)
    assert pruned.rows


def test_a_capture_that_was_needed_again_meanwhile_is_left(weekly: Weekly) -> None:
    _, new = first_captures(weekly)
    pruning = Pruning(weekly.context(), RULE, "somebody")
    planned = pruning.plan()
    set_hold(weekly.storage, new, "too small")  # and with it the old one is what readers see
    seen = {view: weekly.rows(view) for view in LATEST}
    [left] = pruning.carry_out(planned)
    assert left.left_because == "it is needed again, or gone already"
    assert {view: weekly.rows(view) for view in LATEST} == seen


def test_when_the_newest_is_held_afterwards_readers_see_nothing_and_not_a_week_without_rows(weekly: Weekly) -> None:
    _, new = first_captures(weekly)
    prune(weekly)
    set_hold(weekly.storage, new, "somebody found a fault")
    assert weekly.rows("core_latest", week_ending=FIRST) == []
    seen = coverage(weekly.storage, tiers=[Tier.OTCE], weeks=2, end=SECOND, now=NOW)
    assert not seen.cell(Tier.OTCE, FIRST).published


def test_a_rule_chooses(weekly: Weekly) -> None:
    for rule, goes in (
        (RULE, True),
        (RetentionRule(dt.datetime(2026, 8, 3, tzinfo=dt.UTC)), False),
        (RetentionRule(NOW, keep=2), False),
        (RetentionRule(NOW, tier=Tier.T1), False),
        (RetentionRule(NOW, tier=Tier.OTCE, first_week=FIRST, last_week=FIRST), True),
        (RetentionRule(NOW, first_week=SECOND), False),
        (RetentionRule(NOW, last_week=FIRST - dt.timedelta(days=7)), False),
    ):
        assert bool(Pruning(weekly.context(), rule, "somebody").plan()) is goes, rule
