"""``airflow spine db``, ``run`` and ``rejects`` on a database of their own."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from spine.cli.db import status, upgrade
from spine.cli.rejects import list_rejects
from spine.cli.run import parse_params, run
from spine.core.errors import ValidationError
from tests.support.include import include_for
from tests.support.weekly import file_of, good_lines, line

WORKFLOW = "finra.weekly_refresh"


@pytest.fixture
def deployment(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Airflow's configuration points to an empty database and file root; the root."""
    place = urlsplit(database_url)
    connection = (
        {"conn_type": "sqlite", "host": place.path[1:]}
        if place.scheme == "sqlite"
        else {
            "conn_type": place.scheme.removesuffix("ql"),
            "host": place.hostname,
            "port": place.port,
            "login": place.username,
            "password": place.password,
            "schema": place.path[1:],
            "extra": dict(parse_qsl(place.query)),
        }
    )
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW__SPINE__FILE_ROOT", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", str(include_for(place.scheme, tmp_path)))
    logger = logging.getLogger("spine")
    level = logger.level
    yield tmp_path
    logger.setLevel(level)  # the command sets it for its process


def rejects_of(capsys: pytest.CaptureFixture[str], **chosen: object) -> list[dict[str, str]]:
    capsys.readouterr()
    list_rejects(
        Namespace(
            reason=None,
            stage=None,
            by_reason=False,
            **{"tier": None, "week_ending": None, "limit": 100, "output": "json", **chosen},
        )
    )
    rows: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return rows


def exit_code(command: object, **args: object) -> object:
    with pytest.raises(SystemExit) as stopped:
        command(Namespace(**args))  # type: ignore[operator]
    return stopped.value.code


def test_from_an_empty_database_to_a_refreshed_week(deployment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (deployment / "week_otc.psv").write_text(file_of(*good_lines(), line("BAD", shares="many")))
    assert exit_code(status, output="json") == 1
    assert {row["state"] for row in json.loads(capsys.readouterr().out)} == {"pending"}
    assert exit_code(run, workflow=WORKFLOW, params=[]) == 1
    assert "airflow spine db upgrade" in capsys.readouterr().err

    upgrade(Namespace())
    assert "applied 0001_core" in capsys.readouterr().out
    upgrade(Namespace())
    assert "up to date" in capsys.readouterr().out
    status(Namespace(output="json"))
    assert {row["state"] for row in json.loads(capsys.readouterr().out)} == {"applied"}

    run(Namespace(workflow=WORKFLOW, params=["tier=OTCE", "file_path=week_otc.psv", "window_weeks=4"]))
    told = capsys.readouterr().out.splitlines()
    message = "captured finra.otc_transparency:OTCE:2025-11-14: 20 rows, 1 rejects"
    assert told[0].split(maxsplit=2) == ["ingest", "success", message]
    assert told[-1].startswith(f"{WORKFLOW} local__")
    assert told[-1].endswith(": success")

    [reject] = rejects_of(capsys)
    assert (reject["tier"], reject["week_ending"], reject["line_number"]) == ("OTCE", "2025-11-14", "22")
    assert (reject["reason_code"], reject["source_locator"]) == ("BAD_NUMBER", str(deployment / "week_otc.psv"))
    assert rejects_of(capsys, tier="OTC", week_ending="2025-11-14") == [reject]
    assert rejects_of(capsys, tier="T1") == [{"rejects": "none"}]


def test_a_failing_run_names_the_step_and_the_reason(deployment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    upgrade(Namespace())
    capsys.readouterr()
    assert exit_code(run, workflow=WORKFLOW, params=["file_path=week_otc.psv", "tier=OTCE"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].split()[:2] == ["ingest", "failed"]
    assert "There is no file" in told[0]
    assert told[1].split() == ["validate_ingest", "upstream_failed"]
    assert told[-1].endswith(": failed")


@pytest.mark.parametrize(
    ("workflow", "params", "words"),
    [
        ("finra.weekly", [], "did you mean 'finra.weekly_refresh'"),
        (WORKFLOW, ["tier"], "parameter 'tier' has no value; expected KEY=VALUE"),
        (WORKFLOW, ["teir=T1"], "teir"),
        (WORKFLOW, ["tier=T9"], "T9"),
        (WORKFLOW, ["window_weeks=1"], "window_weeks"),
    ],
)
def test_what_cannot_be_run_is_told_in_one_line(
    deployment: Path, capsys: pytest.CaptureFixture[str], workflow: str, params: list[str], words: str
) -> None:
    upgrade(Namespace())
    assert exit_code(run, workflow=workflow, params=params) == 1
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told


def test_rejects_of_a_week_that_is_none(deployment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    upgrade(Namespace())
    code = exit_code(list_rejects, tier=None, week_ending="2025-11-13", limit=1, output="json")
    assert (code, "did you mean 2025-11-14" in capsys.readouterr().err) == (1, True)


def test_params_are_json_where_they_can_be() -> None:
    pairs = ["a=1", "b=true", "c=null", "d=2025-11-14", 'e="1"', "f=x=y", "g="]
    expected = {"a": 1, "b": True, "c": None, "d": "2025-11-14", "e": "1", "f": "x=y", "g": ""}
    assert parse_params(pairs) == expected
    with pytest.raises(ValidationError, match="expected KEY=VALUE"):
        parse_params(["=1"])


def test_the_command_itself(deployment: Path, airflow_env: Path) -> None:
    """Once through the real ``airflow``, whose start alone takes seconds."""
    if "sqlite" not in os.environ["AIRFLOW_CONN_SPINE_DEFAULT"]:
        pytest.skip("the command is the same on every database")
    (deployment / "week_otc.psv").write_text(file_of(*good_lines()))
    upgrade(Namespace())
    airflow = Path(sys.executable).with_name("airflow")
    done = subprocess.run(
        [airflow, "spine", "run", WORKFLOW, "-p", "tier=OTCE", "-p", "file_path=week_otc.psv"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "captured finra.otc_transparency:OTCE:2025-11-14: 20 rows, 0 rejects" in done.stdout
    assert "success" in done.stdout.splitlines()[-1]
