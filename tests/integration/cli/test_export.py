"""``airflow spine export``: words to files, and what it says on the way."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from spine.cli.export import Progress, export, progress_line
from spine.cli.export_definition import ARGUMENTS
from tests.support.exports import RESTATED, WEEKS, load_market
from tests.support.storage import open_upgraded
from tests.support.weekly import PREFIX, Weekly

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weekly]:
    folder = tmp_path_factory.mktemp("market")
    with open_upgraded(f"sqlite:///{folder / 'spine.db'}") as storage:
        yield load_market(storage, folder)


@pytest.fixture
def market(loaded: Weekly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weekly:
    """A small market that ``spine_default`` leads to; the test is in a folder of its own."""
    connection = {"conn_type": "sqlite", "host": str(loaded.storage.path)}  # type: ignore[attr-defined]
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps(connection))
    monkeypatch.chdir(tmp_path)
    return loaded


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    for argument in ARGUMENTS:
        argument.add_to_parser(parser)
    export(parser.parse_args(words))


def code_of(*words: str) -> object:
    with pytest.raises(SystemExit) as stopped:
        run(*words)
    return stopped.value.code


def test_words_become_a_selection(market: Weekly, capsys: pytest.CaptureFixture[str]) -> None:
    run(
        "symbol_summary", "-o", "out.parquet", "--tier", "tier2,OTC", "--week-from", str(WEEKS[1]), "--week-to",
        str(WEEKS[2]), "--columns", "tier, week_ending", "--columns", "symbol", "--summary-type", "ATS_W_SMBL_FIRM", "--json",
    )  # fmt: skip
    receipt = json.loads(capsys.readouterr().out)
    found = pq.read_table("out.parquet")
    view = f"{PREFIX}_symbol_summary_latest"
    assert (
        found.num_rows
        == receipt["rows"]
        == market.scalar(f"SELECT COUNT(*) FROM {view} WHERE week_ending > :week", week=WEEKS[0])
    )
    assert found.column_names == ["tier", "week_ending", "symbol"]
    assert receipt["selection"] == {
        "tiers": ["T2", "OTCE"],
        "first_week": str(WEEKS[1]),
        "last_week": str(WEEKS[2]),
        "summary_types": ["ATS_W_SMBL_FIRM"],
    }
    assert receipt["sha256"] == hashlib.sha256(Path("out.parquet").read_bytes()).hexdigest()
    assert {capture["week_ending"] for capture in receipt["captures"]} == {str(week) for week in WEEKS[1:]}


def test_people_are_told_how_many_rows_and_of_what(market: Weekly, capsys: pytest.CaptureFixture[str]) -> None:
    run("venue_volume", "-o", "volume.csv", "--week", str(RESTATED), "--revisions")
    first, second = capsys.readouterr().out.splitlines()
    rows = market.scalar(f"SELECT COUNT(*) FROM {PREFIX}_venue_volume WHERE week_ending = :week", week=RESTATED)
    assert first == f"venue_volume: {rows} rows of 2 captures, as many as the ledger counts"
    assert second.startswith("volume.csv: 0.0 MB, sha256 ")
    assert len(list(csv.reader(io.StringIO(Path("volume.csv").read_text(), newline="")))) == rows + 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["venue_volum", "-o", "a.csv"], 1, "did you mean 'venue_volume'"),
        (["rolling", "-o", "a.csv"], 1, "did you mean 'symbol_rolling'"),
        (["raw", "-o", "a.csv", "--columns", "symbl"], 1, "did you mean 'symbol'"),
        (["raw", "-o", "a.csv", "--tier", "T9"], 1, "unknown tier 'T9'"),
        (["raw", "-o", "a.csv", "--week", "2026-04-09"], 1, "did you mean 2026-04-10"),
        (["raw", "-o", "a.csv", "--week", "2026-04-10", "--week-to", "2026-04-10"], 1, "--week is one week"),
        (["raw", "-o", "a.csv", "--as-of", "yesterday"], 1, "is not an instant"),
        (["raw", "-o", "a.csv", "--as-of", "2026-04-10"], 1, "has no time zone"),
        (["raw", "-o", "no/a.csv"], 1, "no folder no; make it"),
        (["raw", "-o", "-", "--format", "parquet"], 1, "does not go to standard output"),
        (["raw", "-o", "a.csv", "--tier", "T1"], 3, "no capture of raw is in the selection; there is OTCE from"),
        (["raw"], 2, "the following arguments are required: -o/--output"),
    ],
    ids=str,
)
def test_what_cannot_be_exported_is_told_in_one_line(
    market: Weekly, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    assert code_of(*words) == code
    shown = capsys.readouterr()
    assert told in shown.err and "Traceback" not in shown.err and not shown.out
    assert list(Path().iterdir()) == []


def test_progress_has_rows_megabytes_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert progress_line(1_250_000, 5_000_000, 31_000_000, 4.0) == (
        "1,250,000 of 5,000,000 rows, 31.0 MB, about 12 s left"
    )
    now = iter([0.0, 1.0, 6.0, 6.1, 12.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    progress = Progress()
    for rows in (1, 50, 51, 100):
        progress.told(rows, 100, 0)
    progress.end()
    assert shown.getvalue().splitlines() == [
        "50 of 100 rows, 0.0 MB, about 6 s left",
        "100 of 100 rows, 0.0 MB, about 0 s left",
    ]


def airflow(*words: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [Path(sys.executable).with_name("airflow"), "spine", "export", *words]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_the_command_itself_writes_nothing_but_rows_to_standard_output(market: Weekly, airflow_env: Path) -> None:
    done = airflow("venue_share", "-o", "-", "--columns", "week_ending,mpid,total_volume")
    assert done.returncode == 0, done.stderr
    run("venue_share", "-o", "share.csv", "--columns", "week_ending,mpid,total_volume")
    assert done.stdout == Path("share.csv").read_bytes()
    assert b"as many as the ledger counts" in done.stderr


def test_a_reader_that_has_had_enough(market: Weekly, airflow_env: Path) -> None:
    command = [Path(sys.executable).with_name("airflow"), "spine", "export", "raw", "-o", "-"]
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(command, stdout=write, stderr=subprocess.PIPE) as exporting:
        os.close(write)
        assert exporting.stderr is not None
        told = exporting.stderr.read().decode()
    assert exporting.returncode == 1
    assert "Traceback" not in told and "Exception ignored" not in told
