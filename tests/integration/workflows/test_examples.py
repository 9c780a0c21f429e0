"""The shipped workflows, run through the pytest plugin that comes with the provider, as their users would."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.base import Storage
from spine.testing.pytest_plugin import WorkflowTester

pytestmark = pytest.mark.integration

MARKET = SyntheticMarket(symbols=dict.fromkeys(Tier, 60), venues=5)
WEEK = dt.date(2026, 4, 10)
NOW = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
FILES = {Tier.T1: "finra_otc_weekly_tier1_20260427.csv", Tier.T2: "finra_otc_weekly_tier2_20260511.csv"}
FILES[Tier.OTCE] = "finra_otc_weekly_otc_20260511.csv"


def publish(root: Path, *tiers: Tier) -> None:
    for tier in tiers:
        write_week_file(MARKET.week(tier, WEEK), root / FILES[tier])


def symbols(root: Path, tier: Tier) -> int:
    """How many the file of a tier names; none when it is not there."""
    file = root / FILES[tier]
    return len({line.split("|")[1] for line in file.read_text().splitlines()[1:]}) if file.exists() else 0


def rows(storage: Storage, tier: Tier) -> Any:
    sql = "SELECT COUNT(*) FROM finra_otc_transparency_symbol_summary_latest WHERE tier = :tier"
    return storage.query(sql, {"tier": str(tier)}).scalar


@pytest.fixture
def at_week(run_workflow: WorkflowTester) -> Any:
    def run(name: str, now: dt.datetime = NOW, **params: Any) -> Any:
        return run_workflow(name, {"week_ending": WEEK.isoformat(), "source": "file", **params}, now=now)

    return run


def test_a_week_is_loaded_once(at_week: Any, spine_file_root: Path, spine_storage: Storage) -> None:
    publish(spine_file_root, Tier.T1)
    first = at_week("finra.backfill_week", tier="T1")
    assert (first.state, first.steps["refresh"].state) == ("success", "success")
    assert rows(spine_storage, Tier.T1) == symbols(spine_file_root, Tier.T1) > 0
    again = at_week("finra.backfill_week", tier="T1")
    assert (again.state, again.steps["refresh"].state) == ("success", "skipped")
    assert again.steps["notify"].state == "success"
    forced = at_week("finra.backfill_week", tier="T1", force=True, now=NOW + dt.timedelta(days=1))
    assert forced.steps["refresh"].state == "success"


def test_every_tier_is_refreshed(run_workflow: WorkflowTester, spine_file_root: Path, spine_storage: Storage) -> None:
    publish(spine_file_root, *Tier)
    ended = run_workflow("finra.all_tiers", now=dt.datetime(2026, 5, 11, 23, tzinfo=dt.UTC))
    assert ended.steps["tiers.OTCE.refresh"].state == "success", ended.steps["tiers"].result
    assert {tier: rows(spine_storage, tier) for tier in Tier} == {tier: symbols(spine_file_root, tier) for tier in Tier}


def test_a_tier_that_fails_stops_no_other(
    run_workflow: WorkflowTester, spine_file_root: Path, spine_storage: Storage
) -> None:
    publish(spine_file_root, Tier.T1, Tier.OTCE)
    ended = run_workflow("finra.all_tiers", now=dt.datetime(2026, 5, 11, 23, tzinfo=dt.UTC))
    assert (ended.state, ended.steps["notify"].state) == ("failed", "upstream_failed")
    told = ended.steps["tiers"].result
    assert told is not None
    assert "1 of 3 items failed: T2" in told.message
    assert {tier: rows(spine_storage, tier) for tier in Tier} == {tier: symbols(spine_file_root, tier) for tier in Tier}


def test_a_good_week_passes_the_gates(at_week: Any, spine_file_root: Path, spine_storage: Storage) -> None:
    publish(spine_file_root, Tier.OTCE)
    ended = at_week("finra.quality_gated_week", tier="OTCE", min_rows=5)
    assert ended.state == "success"
    assert ended.results["ingest_gate"].output == {"checks": 3, "warnings": []}
    assert rows(spine_storage, Tier.OTCE) == symbols(spine_file_root, Tier.OTCE) > 0


def test_a_week_that_is_too_small_stops_at_the_gate(
    at_week: Any, spine_file_root: Path, spine_storage: Storage
) -> None:
    publish(spine_file_root, Tier.OTCE)
    ended = at_week("finra.quality_gated_week", tier="OTCE", min_rows=10_000)
    assert ended.steps["ingest_gate"].result.message == "too few rows"
    assert {name: str(step.state) for name, step in ended.steps.items()} == {
        "ingest": "success", "ingest_gate": "failed", "normalize": "upstream_failed", "normalize_gate": "upstream_failed",
        "aggregate": "upstream_failed", "notify": "upstream_failed",
    }  # fmt: skip
    assert rows(spine_storage, Tier.OTCE) == 0


def test_a_few_rejects_are_warned_of(at_week: Any, spine_file_root: Path) -> None:
    publish(spine_file_root, Tier.OTCE)
    file = spine_file_root / FILES[Tier.OTCE]
    file.write_text(file.read_text() + "this is no row\n")
    ended = at_week("finra.quality_gated_week", tier="OTCE", min_rows=5, max_reject_rate=0.5)
    assert ended.state == "success"
    assert ended.results["ingest_gate"].output["warnings"] == ["some lines were rejected"]


def test_an_unknown_workflow_is_told_with_the_nearest(run_workflow: WorkflowTester) -> None:
    with pytest.raises(ValidationError, match=r"did you mean 'finra\.all_tiers'"):
        run_workflow("finra.all_tierz")


def test_a_plan_touches_nothing(run_workflow: WorkflowTester, spine_storage: Storage) -> None:
    paths = [step.path for step in run_workflow.plan("finra.all_tiers")]
    assert paths == ["tiers", "tiers.T1.refresh", "tiers.T2.refresh", "tiers.OTCE.refresh", "notify"]
    assert spine_storage.query("SELECT COUNT(*) FROM core_captures").scalar == 0
