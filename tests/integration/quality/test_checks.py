"""Checks between the steps of the weekly workflow: what they hold back, what they let go again, what they keep."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import ConfigurationError, ValidationError
from spine.core.results import StepResult
from spine.core.tiers import Tier
from spine.core.weeks import published_on
from spine.pipelines.context import StepContext
from spine.quality.checks import check_rolling_history, validate_ingest
from spine.storage.base import Storage
from spine.workflows.loader import load_workflow
from spine.workflows.model import Workflow
from tests.support.include import INCLUDE
from tests.support.weekly import LATEST, PREFIX, Weekly, file_of, good_lines, line

FRIDAY = dt.date(2025, 11, 14)


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    return Weekly(upgraded_storage, tmp_path)


def stricter(folder: Path, min_rows: int) -> Workflow:
    """The weekly workflow of a careful person."""
    text = (INCLUDE / "workflows" / "finra_weekly_refresh.yaml").read_text()
    gate = "    type: gate\n    suite: finra_otc_transparency.ingested\n    publish: false\n"
    check = (
        f"    type: lambda\n    handler: spine.quality.checks.validate_ingest\n    config: {{min_rows: {min_rows}}}\n"
    )
    staged = "    params: {staged: true}\n"
    assert gate in text and staged in text
    (folder / "stricter.yaml").write_text(text.replace(gate, check).replace(staged, ""))
    return load_workflow(folder / "stricter.yaml", ())


def visible(weekly: Weekly) -> set[str]:
    """Captures that any reader of the newest figures can see."""
    return {row["capture_id"] for view in LATEST for row in weekly.rows(view)}


def on_capture(weekly: Weekly, capture_id: str, **params: Any) -> StepContext:
    outputs = {"ingest": {"capture_id": capture_id}}
    return StepContext(weekly.storage, weekly.settings, params, outputs, run_id="check", clock=weekly.clock)


def ingested(weekly: Weekly, *lines: str) -> StepContext:
    return on_capture(weekly, weekly.ingest(file_path=weekly.write(file_of(*lines))).output["capture_id"])


def test_a_held_capture_is_seen_by_nobody_until_a_run_finds_it_good(weekly: Weekly) -> None:
    path = weekly.write(file_of(*good_lines()))
    first = weekly.run(file_path=path, window_weeks=2).results["ingest"].output["capture_id"]
    weekly.write(file_of(*good_lines(19)))
    careful = stricter(weekly.root, 20)
    ended = weekly.attempt(workflow=careful, file_path=path, window_weeks=2)
    assert (ended.state, ended.steps["validate_ingest"].state, ended.steps["normalize"].state) == (
        "failed", "failed", "upstream_failed",
    )  # fmt: skip
    held = ended.results["ingest"].output["capture_id"]
    message = f"{held} is held: 19 rows, expected 20 to 1,000,000"
    assert ended.results["validate_ingest"].message == message
    assert visible(weekly) == {first}
    assert weekly.rows("core_captures", capture_id=held)[0]["hold_reason"] == "19 rows, expected 20 to 1,000,000"

    released = weekly.run(workflow=stricter(weekly.root, 19), file_path=path, window_weeks=2)
    assert released.results["ingest"].status == "unchanged"
    assert visible(weekly) == {held}
    assert weekly.rows("core_captures", capture_id=held)[0]["hold_reason"] is None
    assert len(weekly.rows(f"{PREFIX}_venue_volume_latest")) == 19


def test_a_published_capture_that_is_held_later_gives_way_to_the_one_before(weekly: Weekly) -> None:
    path = weekly.write(file_of(*good_lines()))
    first = weekly.run(file_path=path).results["ingest"].output["capture_id"]
    weekly.write(file_of(*good_lines(19)))
    second = weekly.run(file_path=path).results["ingest"].output["capture_id"]
    assert visible(weekly) == {second}
    with pytest.raises(ValidationError, match="is held"):
        validate_ingest(on_capture(weekly, second), {"min_rows": 20})
    assert visible(weekly) == {first}


def test_outcomes_are_kept_by_run(weekly: Weekly) -> None:
    context = ingested(weekly, *good_lines(), line("BAD", shares="many"))
    for _ in range(2):  # a retry replaces what the run said before
        validate_ingest(context, {"max_rows": 20, "expected_symbols": ["GOOD00"]})
    kept = {row["check_name"]: row for row in weekly.rows("core_quality")}
    assert {(name, row["status"], row["actual_value"], row["expected_value"]) for name, row in kept.items()} == {
        ("row_count", "PASS", "20", "1..20"),
        ("reject_ratio", "PASS", "0.047619", "<= 0.05"),
        ("expected_symbols", "PASS", "0", "1 symbols"),
    }
    assert {row["execution_id"] for row in kept.values()} == {"check"}


@pytest.mark.parametrize(
    ("config", "failing", "words"),
    [
        ({"min_rows": 21}, "row_count", "20 rows, expected 21 to 1,000,000"),
        ({"max_rows": 19}, "row_count", "20 rows, expected 1 to 19"),
        ({"max_reject_ratio": 0.04}, "reject_ratio", r"1 lines rejected \(4.8%\), at most 4.0% allowed"),
        ({"expected_symbols": ["GOOD01", "AAPL", "MSFT"]}, "expected_symbols", "missing symbols: AAPL, MSFT"),
        ({"expected_symbols": {"OTCE": ["AAPL"], "T1": ["IBM"]}}, "expected_symbols", "missing symbols: AAPL"),
    ],
)
def test_what_is_not_as_expected_is_said(weekly: Weekly, config: dict[str, Any], failing: str, words: str) -> None:
    context = ingested(weekly, *good_lines(), line("BAD", shares="many"), "", "# a remark")
    with pytest.raises(ValidationError, match=words) as caught:
        validate_ingest(context, config)
    assert [name for name, passed in caught.value.context["checks"].items() if not passed] == [failing]
    statuses = {row["check_name"]: row["status"] for row in weekly.rows("core_quality")}
    assert [name for name, status in statuses.items() if status == "FAIL"] == [failing]


def test_symbols_expected_of_another_tier_do_not_matter(weekly: Weekly) -> None:
    assert validate_ingest(ingested(weekly, *good_lines()), {"expected_symbols": {"T1": ["AAPL"]}}).ok


def test_checks_need_something_to_check(weekly: Weekly) -> None:
    with pytest.raises(ValidationError, match="No earlier step names one; pass tier and week_ending"):
        validate_ingest(weekly.context(), {})
    with pytest.raises(ConfigurationError, match=r"nothing is ingested for finra.otc_transparency:T1:2025-11-14"):
        validate_ingest(weekly.context(tier="T1", week_ending="2025-11-14"), {})


def history(weekly: Weekly, *back: int) -> StepResult:
    """Load the weeks so many before FRIDAY, and ask for a window of four."""
    for weeks in back:
        updated = published_on(Tier.OTCE, FRIDAY - dt.timedelta(days=7 * weeks)).isoformat()
        capture_id = weekly.load(file_path=weekly.write(file_of(line(updated=updated))))
    return check_rolling_history(on_capture(weekly, capture_id, window_weeks=4), {})


def test_a_whole_window_lets_rolling_figures_be_computed(weekly: Weekly) -> None:
    assert dict(history(weekly, 4, 3, 2, 1, 0).output) == {
        "skip_rolling": False, "weeks_available": 4, "missing_weeks": [],
    }  # fmt: skip


def test_missing_weeks_are_named(weekly: Weekly) -> None:
    found = history(weekly, 4, 2, 0)
    assert found.output["missing_weeks"] == ["2025-10-24", "2025-11-07"]
    assert (found.output["skip_rolling"], found.output["weeks_available"]) == (True, 2)
    assert found.message == "2 of 4 weeks are there; missing 2025-10-24, 2025-11-07"


@pytest.mark.parametrize("weeks", [0, -1, "six"])
def test_a_window_of_no_weeks(weekly: Weekly, weeks: object) -> None:
    context = ingested(weekly, *good_lines(1))
    with pytest.raises(ConfigurationError, match="weeks must be a positive whole number"):
        check_rolling_history(context, {"weeks": weeks})
