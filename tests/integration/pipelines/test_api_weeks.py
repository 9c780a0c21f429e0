"""Weeks from the API: the same as from files, each summary type by itself, and a restatement found by looking back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from spine.core.results import StepResult
from spine.core.tiers import Tier
from spine.core.weeks import window
from spine.finra.api_source import SUMMARY_TYPES
from spine.finra.download_file import write_week_file
from spine.finra.simulator import Simulator
from spine.pipelines.registry import get_pipeline
from spine.storage.base import Storage
from spine.workflows.model import Workflow, WorkflowParam
from tests.support.api_weeks import ASKED, Api, finra
from tests.support.finra import MARKET, NOW, WEEK
from tests.support.storage import open_upgraded
from tests.support.weekly import AGGREGATES, LATEST, PREFIX, ROLLING, Clock, Weekly, assert_same, weekly_refresh

pytestmark = pytest.mark.integration
BEFORE = WEEK - dt.timedelta(weeks=1)
PER_VENUE = [name for name in SUMMARY_TYPES if name.endswith("_FIRM")]
Pictures = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with finra() as running:
        yield running


@pytest.fixture
def weekly(simulator: Simulator, upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    return Api(simulator).weekly(upgraded_storage, tmp_path)


def by_summary_type() -> Workflow:
    """The weekly workflow with one param more."""
    param = WorkflowParam("summary_type", {"enum": list(SUMMARY_TYPES)}, default=SUMMARY_TYPES[0])
    return replace(weekly_refresh(), params={**weekly_refresh().params, param.name: param})


def load(weekly: Weekly, summary_type: str, **params: Any) -> None:
    """Two weeks of a summary type, with rolling figures over both."""
    for week in (BEFORE, WEEK):
        asked = {**ASKED, "week_ending": week.isoformat(), "window_weeks": 2, "summary_type": summary_type, **params}
        weekly.run(workflow=by_summary_type(), **asked)


@pytest.fixture(scope="module")
def alone(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pictures]:
    """What readers see when nothing but one summary type is loaded."""
    pictures = {}
    for summary_type in SUMMARY_TYPES:
        folder = tmp_path_factory.mktemp(summary_type)
        with open_upgraded(f"sqlite:///{folder / 'alone.db'}") as storage:
            weekly = Api(simulator).weekly(storage, folder)
            load(weekly, summary_type)
            pictures[summary_type] = weekly.pictures()
    return pictures


@pytest.fixture
def full(weekly: Weekly) -> Weekly:
    """Every summary type loaded, one after the other."""
    for summary_type in SUMMARY_TYPES:
        load(weekly, summary_type)
    return weekly


def test_summary_types_stay_apart(full: Weekly, alone: dict[str, Pictures]) -> None:
    captures = {(row["summary_type"], str(row["week_ending"])): row for row in full.rows("core_captures")}
    assert len(captures) == full.counts()["core_captures"] == 8
    assert {row["revision"] for row in captures.values()} == {0}
    everything = full.pictures()
    for summary_type in SUMMARY_TYPES:
        assert_same(of_type(everything, summary_type), of_type(alone[summary_type], summary_type))
    assert all(row["summary_type"] in SUMMARY_TYPES for rows in everything.values() for row in rows)


def test_totals_are_finras_and_nothing_is_added_across(full: Weekly) -> None:
    for summary_type in SUMMARY_TYPES:
        market = MARKET.week(Tier.T2, WEEK, summary_type=summary_type)
        [totals] = full.storage.query(
            f"SELECT SUM(total_volume) AS shares, SUM(total_trades) AS trades FROM {PREFIX}_symbol_summary_latest "
            "WHERE summary_type = :type AND week_ending = :week",
            {"type": summary_type, "week": WEEK},
        )
        assert float(totals["shares"]) == pytest.approx(float(pc.sum(market["totalWeeklyShareQuantity"]).as_py()))
        assert totals["trades"] == pc.sum(market["totalWeeklyTradeCount"]).as_py()


def test_a_tiers_share_counts_the_tiers_of_its_own_summary_type(full: Weekly) -> None:
    load(full, "OTC_W_SMBL_FIRM", tier="T1")
    counted = {
        (row["tier"], row["summary_type"]): row["tiers_loaded"] for row in full.rows(f"{PREFIX}_tier_share_latest")
    }
    assert counted == {
        **{("T2", summary_type): 1 for summary_type in SUMMARY_TYPES},
        ("T1", "OTC_W_SMBL_FIRM"): 2,
        ("T2", "OTC_W_SMBL_FIRM"): 2,
    }


def test_a_firm_is_known_by_its_crd_number(alone: dict[str, Pictures]) -> None:
    rows = alone["OTC_W_SMBL_FIRM"][f"{PREFIX}_venue_volume_latest"]
    assert {row["mpid"] for row in rows} == {f"CRD{row['crd_number']}" for row in rows}
    assert any(row["mpid"] == "CRD0" for row in rows)  # FINRA's "De Minimis Firms"
    ranked = {row["mpid"] for row in alone["OTC_W_SMBL_FIRM"][f"{PREFIX}_venue_share_latest"]}
    assert ranked == {row["mpid"] for row in rows}


@pytest.mark.parametrize("summary_type", SUMMARY_TYPES)
def test_rows_without_a_venue_make_no_venue_figures(alone: dict[str, Pictures], summary_type: str) -> None:
    filled = {view for view, rows in alone[summary_type].items() if rows}
    by_symbol = {f"{name}_latest" for name in (f"{PREFIX}_symbol_summary", ROLLING, f"{PREFIX}_tier_share")}
    if summary_type in PER_VENUE:
        assert filled == set(LATEST)
    else:
        assert filled & {f"{name}_latest" for name in AGGREGATES} == {f"{PREFIX}_symbol_summary_latest"}
        assert filled == by_symbol | {f"{PREFIX}_venue_volume_latest"}
        summary = alone[summary_type][f"{PREFIX}_symbol_summary_latest"]
        assert {row["venue_count"] for row in summary} == {0}


def of_type(pictures: Pictures, summary_type: str) -> Pictures:
    return {view: [row for row in rows if row["summary_type"] == summary_type] for view, rows in pictures.items()}


@pytest.mark.parametrize("tier", Tier)
def test_a_week_is_the_same_from_the_api_and_from_its_file(weekly: Weekly, tier: Tier, tmp_path: Path) -> None:
    weekly.run(**{**ASKED, "tier": str(tier)})
    write_week_file(MARKET.week(tier, WEEK), tmp_path / "week.psv")
    with open_upgraded(f"sqlite:///{tmp_path / 'file.db'}") as storage:
        other = Weekly(storage, tmp_path, Clock(NOW))
        other.run(tier=str(tier), week_ending=WEEK.isoformat(), file_path="week.psv")
        assert_same(published(weekly), published(other))


def test_a_file_after_the_api_is_a_revision_that_changes_no_number(weekly: Weekly, tmp_path: Path) -> None:
    """It is one because the API also tells product types; from then on both are known."""
    write_week_file(MARKET.week(Tier.T2, WEEK), tmp_path / "week.psv")
    from_file = {"tier": "T2", "week_ending": WEEK.isoformat(), "file_path": "week.psv"}
    weekly.run(**ASKED)
    weekly.run(**from_file)
    assert [row["revision_type"] for row in weekly.rows("core_data_revisions")] == ["NONE"]
    for params in (ASKED, from_file):
        assert weekly.run(**params).results["ingest"].status == "unchanged"


def published(weekly: Weekly) -> Pictures:
    """All but a line's place in its source, and the product type, which FINRA's file does not tell."""
    without = {"line_number", "product_type"}
    return {
        view: [{name: value for name, value in row.items() if name not in without} for row in rows]
        for view, rows in weekly.pictures().items()
    }


RESTATED = dt.date(2026, 2, 27)  # of T2, on 2026-04-13
LAST = dt.date(2026, 3, 6)
EARLY, LATER = (dt.datetime(2026, 4, day, 12, tzinfo=dt.UTC) for day in (10, 14))


def look_back(weekly: Weekly) -> StepResult:
    asked = {"workflow": "finra.weekly_refresh", "tier": "T2", "source": "api", "mode": "refresh"}
    return get_pipeline("core.run_weeks").run(weekly.context(**asked, weeks_back=6, end_week=LAST.isoformat()))


def test_looking_back_captures_the_restated_week_alone(upgraded_storage: Storage, tmp_path: Path) -> None:
    assert MARKET.restated_on(Tier.T2, RESTATED) == dt.date(2026, 4, 13)
    with finra(now=EARLY, weeks=12) as simulator:
        api = Api(simulator)
        weekly = api.weekly(upgraded_storage, tmp_path, now=EARLY)
        assert look_back(weekly).output["captured"] == 6
        calm, before = weekly.pictures(), weekly.counts()
        again = look_back(weekly)
        assert (again.output["captured"], again.output["unchanged"]) == (0, 6)
        assert weekly.counts() == before

        simulator.clock.move_to(LATER)
        weekly = api.weekly(upgraded_storage, tmp_path, now=LATER)
        found = look_back(weekly)
        assert (found.output["captured"], found.output["unchanged"], found.output["failed"]) == (1, 5, {})
        assert look_back(weekly).output["unchanged"] == 6
    assert_restated(weekly, calm)


def assert_restated(weekly: Weekly, calm: Pictures) -> None:
    revisions = {str(row["week_ending"]): row["revision"] for row in weekly.rows("core_captures") if row["revision"]}
    assert revisions == {RESTATED.isoformat(): 1}
    [revision] = weekly.rows("core_data_revisions")
    assert RESTATED.isoformat() in revision["partition_key"]
    assert revision["revision_type"] in ("CORRECTION", "ADDITION", "REMOVAL")
    everything = weekly.pictures()
    for view, rows in calm.items():
        others = [row for row in rows if row["week_ending"] != RESTATED.isoformat()]
        if not view.startswith(ROLLING):
            assert [row for row in everything[view] if row["week_ending"] != RESTATED.isoformat()] == others, view
    # The only window of six weeks ends a week later and holds the restated one.
    rolling = f"{ROLLING}_latest"
    assert {row["week_ending"] for row in everything[rolling]} == {LAST.isoformat()}
    assert everything[rolling] != calm[rolling]
    assert window(LAST, 6)[-2] == RESTATED
