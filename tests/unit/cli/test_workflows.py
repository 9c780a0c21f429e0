"""``airflow spine workflows``."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from spine.cli.workflows import lint_workflows, list_workflows, show_workflow
from tests.support.paths import ROOT
from tests.support.workflows import write


def test_lint_is_silent_about_what_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    lint_workflows(Namespace(paths=[]))
    assert capsys.readouterr().out.endswith("workflow file(s) checked, 0 problem(s)\n")


def test_lint_tells_every_problem_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = write(tmp_path, "name: x\nstepz: 1\nsteps: []", "bad.yaml")
    with pytest.raises(SystemExit) as stopped:
        lint_workflows(Namespace(paths=[str(tmp_path), str(tmp_path / "missing.yaml")]))
    assert stopped.value.code == 1
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        f"{bad}:2:1 E012 unknown key 'stepz'; did you mean 'steps'?",
        f"{bad}:3:8 E001 the workflow has no steps",
        f"{tmp_path / 'missing.yaml'}:1:1 E010 cannot be read: No such file or directory",
    ]
    assert told.out == "2 workflow file(s) checked, 3 problem(s)\n"


def test_list_names_each_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    list_workflows(Namespace(output="json"))
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    row = rows["finra.weekly_refresh"]
    assert row["steps"] == "9"
    assert row["file"] == str(ROOT / "include/workflows/finra_weekly_refresh.yaml")


def test_show_tells_what_runs_after_what(capsys: pytest.CaptureFixture[str]) -> None:
    show_workflow(Namespace(workflow="finra.weekly_refresh", output="json"))
    steps = {row["step"]: row for row in json.loads(capsys.readouterr().out)}
    assert steps["should_compute_rolling"]["runs"] == "not skip_rolling ? rolling : notify"
    assert steps["notify"]["after"] == "should_compute_rolling, rolling"


def test_show_suggests_a_name() -> None:
    with pytest.raises(SystemExit, match=r"did you mean 'finra\.weekly_refresh'"):
        show_workflow(Namespace(workflow="finra.weekly_refrsh", output="json"))
