"""``airflow spine workflows``."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from spine.cli.workflows import (
    diff_workflows,
    draw_workflow,
    explain_language,
    lint_workflows,
    list_workflows,
    plan_workflow,
    print_schema,
    show_workflow,
)
from tests.support.paths import ROOT
from tests.support.workflows import write


def test_lint_is_silent_about_what_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    lint_workflows(Namespace(paths=[], format="text", strict=False))
    assert capsys.readouterr().out.endswith("workflow file(s) checked, 0 problem(s)\n")


def test_lint_tells_every_problem_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = write(tmp_path, "name: x\nstepz: 1\nsteps: []", "bad.yaml")
    with pytest.raises(SystemExit) as stopped:
        lint_workflows(Namespace(paths=[str(tmp_path), str(tmp_path / "missing.yaml")], format="text", strict=False))
    assert stopped.value.code == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{bad}:2:1 E012 unknown key 'stepz'; did you mean 'steps'?",
        f"{bad}:3:8 E001 the workflow has no steps",
        f"{tmp_path / 'missing.yaml'}:1:1 E010 cannot be read: No such file or directory",
        "2 workflow file(s) checked, 3 problem(s)",
    ]


def test_lint_speaks_to_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "name: x\nstepz: 1\nsteps: []", "bad.yaml")
    with pytest.raises(SystemExit):
        lint_workflows(Namespace(paths=[str(tmp_path)], format="json", strict=False))
    told = json.loads(capsys.readouterr().out)
    assert told["checked"] == 1
    assert [(each["line"], each["column"], each["code"]) for each in told["problems"]] == [
        (2, 1, "E012"),
        (3, 8, "E001"),
    ]


def test_lint_speaks_to_code_hosts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "name: x\nsteps: []", "bad.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        lint_workflows(Namespace(paths=["bad.yaml"], format="sarif", strict=False))
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    (found,) = run["results"]
    place = found["locations"][0]["physicalLocation"]
    assert (found["ruleId"], place["artifactLocation"]["uri"], place["region"]) == (
        "E001", "bad.yaml", {"startLine": 2, "startColumn": 8},
    )  # fmt: skip
    assert found["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}


def test_plan_tells_what_would_run(capsys: pytest.CaptureFixture[str]) -> None:
    plan_workflow(Namespace(workflow="finra.weekly_refresh", params=["window_weeks=8"], output="json"))
    steps = {row["step"]: row for row in json.loads(capsys.readouterr().out)}
    assert "weeks=8" in steps["check_rolling"]["does"]
    assert {name: row["runs"] for name, row in steps.items() if row["runs"] != "yes"} == {"rolling": "perhaps"}


def test_plan_refuses_what_a_run_would_refuse() -> None:
    with pytest.raises(SystemExit, match="no param 'tear'"):
        plan_workflow(Namespace(workflow="finra.weekly_refresh", params=["tear=T1"], output="json"))


def test_diff_fails_where_something_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped = ROOT / "include/workflows/finra_backfill.yaml"
    other = tmp_path / "other.yaml"
    other.write_text("# another comment\n" + shipped.read_text())
    diff_workflows(Namespace(old=str(shipped), new=str(other)))
    assert capsys.readouterr().out == "no difference in meaning\n"
    other.write_text(shipped.read_text().replace("pool: finra", "pool: default_pool"))
    with pytest.raises(SystemExit) as stopped:
        diff_workflows(Namespace(old=str(shipped), new=str(other)))
    assert stopped.value.code == 1
    assert "~ steps.fill.weeks.pool: 'finra' -> 'default_pool'" in capsys.readouterr().out


def test_a_picture_can_be_written(tmp_path: Path) -> None:
    draw_workflow(Namespace(workflow="finra.weekly_refresh", format="svg", out=str(tmp_path / "flow.svg")))
    assert (tmp_path / "flow.svg").read_text().startswith("<svg")


def test_explain_and_schema_print(capsys: pytest.CaptureFixture[str]) -> None:
    explain_language(Namespace(word="map", markdown=False))
    assert "max_concurrency" in capsys.readouterr().out
    print_schema(Namespace())
    assert json.loads(capsys.readouterr().out)["title"] == "Spine workflow"
    with pytest.raises(SystemExit, match="did you mean 'retry'"):
        explain_language(Namespace(word="retri", markdown=False))


def test_list_names_each_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    list_workflows(Namespace(output="json"))
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    row = rows["finra.weekly_refresh"]
    assert row["steps"] == "10"
    assert row["file"] == str(ROOT / "include/workflows/finra_weekly_refresh.yaml")


def test_show_tells_what_runs_after_what(capsys: pytest.CaptureFixture[str]) -> None:
    show_workflow(Namespace(workflow="finra.weekly_refresh", output="json"))
    steps = {row["step"]: row for row in json.loads(capsys.readouterr().out)}
    assert steps["should_compute_rolling"]["runs"] == "not skip_rolling ? rolling : notify"
    assert steps["notify"]["after"] == "should_compute_rolling, rolling"


def test_show_suggests_a_name() -> None:
    with pytest.raises(SystemExit, match=r"did you mean 'finra\.weekly_refresh'"):
        show_workflow(Namespace(workflow="finra.weekly_refrsh", output="json"))
