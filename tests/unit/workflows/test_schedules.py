"""Schedules of a workflow: what may be written, and with which params their runs start."""

from __future__ import annotations

from pathlib import Path

import pytest

from spine.core.tiers import Tier
from spine.workflows.model import Schedule
from spine.workflows.schedules import params_of
from tests.support.paths import ROOT
from tests.support.workflows import problems_of, workflow_of, write

HEAD = """name: flow
params:
  tier: {enum: [T1, T2, OTCE, OTC], default: OTCE}
  week_ending: {type: [string, "null"], format: date, default: null}
  depth: {type: integer, maximum: 9}
steps: [{name: a, type: pipeline, pipeline: test.ok}]
schedules:
"""
CRON = 'cron: "0 6 * * 1-5", params: {depth: 1}'
T1 = "publication: T1, params: {depth: 1}"

PROBLEMS = {
    "no mapping": ("- 5", "8:3 E014 a schedule is a mapping, found a number (5)"),
    "no name": (f"- {{{T1}}}", "8:3 E013 'name' is missing"),
    "unknown key": (f"- {{name: s, {T1}, zone: x}}", "8:50 E012 unknown key 'zone'"),
    "bad name": (f"- {{name: s s, {T1}}}", "8:10 E015 a schedule's name has letters"),
    "the workflow's name": (f"- {{name: flow, {T1}}}", "8:10 E042 'flow' is the workflow's own name"),
    "unknown tier": (
        "- {name: s, publication: OTCX, params: {depth: 1}}",
        "8:26 E015 unknown publication 'OTCX'; did you mean 'OTCE'?",
    ),
    "two times": (f"- {{name: s, {T1}, cron: '* * * * *'}}", "8:50 E005 'cron' does not fit a schedule with 'publi"),
    "cron with at": (f"- {{name: s, {CRON}, at: '07:00'}}", "8:54 E005 'at' needs 'publication'"),
    "publication with zone": (f"- {{name: s, {T1}, timezone: UTC}}", "8:50 E005 'timezone' needs 'cron'"),
    "too early": (f"- {{name: s, {T1}, at: '05:00'}}", "8:54 E043 05:00 is too early: FINRA publishes from 06:00"),
    "no time": (f"- {{name: s, {T1}, at: six}}", "8:54 E043 'six' is not a time of day; expected HH:MM"),
    "six fields": (
        "- {name: s, cron: '0 0 6 * * 1', params: {depth: 1}}",
        "8:19 E043 cron '0 0 6 * * 1' does not have",
    ),
    "bad field": ("- {name: s, cron: '61 6 * * *', params: {depth: 1}}", "8:19 E043 cron '61 6 * * *' cannot be read"),
    "never": ("- {name: s, cron: '0 0 31 2 *', params: {depth: 1}}", "8:19 E043 cron '0 0 31 2 *' names a day that"),
    "bad zone": (
        f"- {{name: s, {CRON}, timezone: America/New_Yrok}}",
        "8:64 E015 unknown timezone 'America/New_Yrok'; did you mean 'America/New_York'?",
    ),
    "a folder of zones": (f"- {{name: s, {CRON}, timezone: America}}", "8:64 E015 unknown timezone 'America'; "),
    "no zone at all": (f"- {{name: s, {CRON}, timezone: ../x}}", "8:64 E015 unknown timezone '../x'; write it as"),
    "unknown param": (
        "- {name: s, publication: T1, params: {depth: 1, teir: T1}}",
        "8:49 E041 flow has no param 'teir'; did you mean 'tier'?",
    ),
    "invalid param": ("- {name: s, publication: T1, params: {depth: 10}}", "8:46 E041 param 'depth': 10 is greater"),
    "missing param": ("- {name: s, publication: T1}", "8:3 E041 schedule 's' must set param 'depth'"),
    "another tier": (
        "- {name: s, publication: OTCE, params: {depth: 1, tier: T1}}",
        "8:57 E043 'tier: T1' contradicts 'publication: OTCE'",
    ),
    "a fixed week": (
        "- {name: s, publication: T1, params: {depth: 1, week_ending: 2026-10-30}}",
        "8:62 E043 a publication sets week_ending for each run; leave it out",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_problem_names_its_place(case: str, tmp_path: Path) -> None:
    written, expected = PROBLEMS[case]
    found = problems_of(write(tmp_path, HEAD + written))
    assert [problem for problem in found if problem.startswith(expected)], found


def schedule_of(folder: Path, written: str) -> tuple[Schedule, dict[str, object]]:
    """The schedule, and the params its runs start with."""
    workflow = workflow_of(folder, f"{HEAD}- {{name: s, {written}}}")
    (schedule,) = workflow.schedules
    assert workflow.dag_ids == ("flow", "s")
    return schedule, {
        name: param.default for name, param in params_of(workflow, schedule).items() if not param.required
    }


def test_a_publication_sets_the_tier(tmp_path: Path) -> None:
    schedule, params = schedule_of(tmp_path, "publication: tier1, at: '07:30', params: {depth: 3}")
    assert schedule == Schedule("s", publication=Tier.T1, at="07:30", params={"depth": 3})
    assert params == {"tier": "T1", "week_ending": None, "depth": 3}


def test_an_alias_of_the_publications_tier_does_not_contradict_it(tmp_path: Path) -> None:
    _, params = schedule_of(tmp_path, "publication: OTCE, params: {depth: 3, tier: OTC}")
    assert params["tier"] == "OTC"


@pytest.mark.parametrize("cron", ["0 6 * * 1-5", "@daily", "0 0 29 2 *", "0 9 * * MON#1"])
def test_cron_is_what_airflow_reads(cron: str, tmp_path: Path) -> None:
    schedule, params = schedule_of(tmp_path, f"cron: '{cron}', timezone: America/New_York, params: {{depth: 1}}")
    assert (schedule.cron, schedule.timezone) == (cron, "America/New_York")
    assert params["tier"] == "OTCE"


def test_one_that_only_people_start_needs_neither_time_nor_params(tmp_path: Path) -> None:
    schedule, params = schedule_of(tmp_path, "cron: null, enabled: false")
    assert schedule == Schedule("s", enabled=False)
    assert "depth" not in params


def test_the_weekly_refresh_runs_each_tier_once(tmp_path: Path) -> None:
    workflow = workflow_of(tmp_path, (ROOT / "include/workflows/finra_weekly_refresh.yaml").read_text())
    enabled = [schedule for schedule in workflow.schedules if schedule.enabled]
    tiers = [params_of(workflow, schedule)["tier"].default for schedule in enabled]
    assert sorted(tiers) == sorted(Tier)
    assert {schedule.name for schedule in workflow.schedules} >= {"finra_otc_t1_daily", "finra_otc_otce_weekly"}
