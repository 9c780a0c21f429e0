"""``airflow spine db prune`` and ``db vacuum``: what people see before they agree, and what scripts get."""

from __future__ import annotations

import io
import json
import shutil
import sys
from argparse import Namespace
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spine.cli import prune as command
from spine.cli.db import vacuum
from spine.cli.prune import prune
from spine.core.tiers import Tier
from spine.storage.base import Storage
from spine.storage.ledger import Stage
from spine.storage.sqlite import SqliteStorage
from tests.support.histories import add_history_capture, partition_of
from tests.support.storage import open_upgraded
from tests.support.weekly import LINES

ALL = {"superseded_before": "2027-01-01"}
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """Two weeks of T1, of which the second has two superseded captures, in the database of the connection."""
    path = tmp_path / "spine.db"
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with open_upgraded(f"sqlite:///{path}") as storage:
        for week, revisions in ((0, 1), (1, 3)):
            for revision in range(revisions):
                add_history_capture(storage, partition_of(week), revision, Stage)
        yield storage


def args(**given: Any) -> Namespace:
    unset = dict.fromkeys(("superseded_before", "older_than", "dataset", "tier", "week_from", "week_to"))
    return Namespace(**{**unset, "keep": 1, "dry_run": False, "yes": False, "output": "table", **given})


def lines(storage: Storage) -> int:
    return int(storage.query(f"SELECT COUNT(*) FROM {LINES}").scalar)


def refused(capsys: pytest.CaptureFixture[str], **given: Any) -> str:
    with pytest.raises(SystemExit, match="1"):
        prune(args(**given))
    return capsys.readouterr().err


def test_a_look_removes_nothing(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    prune(args(**ALL, dry_run=True))
    told = capsys.readouterr().out
    assert "2 captures of 1 weeks, 12 rows, superseded before 2027-01-01" in told
    assert f"{LINES:<45} {4:>15}" in told
    assert "2025-10-10" in told
    assert lines(storage) == 8


def test_who_agrees_beforehand_is_not_asked(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    prune(args(**ALL, yes=True))
    told = capsys.readouterr()
    assert "removed 12 rows of 2 captures" in told.err
    assert "airflow spine db vacuum" in told.err
    assert lines(storage) == 4
    prune(args(**ALL, yes=True))
    assert "0 captures of 0 weeks, 0 rows" in capsys.readouterr().out


def test_without_anybody_to_ask_nothing_is_removed(
    storage: Storage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert "add --yes" in refused(capsys, **ALL)
    assert lines(storage) == 8


@pytest.mark.parametrize(("answer", "left"), [("y", 4), ("YES ", 4), ("n", 8), ("", 8)])
def test_a_person_is_asked(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, left: int
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer if "cannot be brought back" in question else "y")
    if left == 4:
        prune(args(**ALL))
    else:
        assert "nothing was removed" in refused(capsys, **ALL)
    assert lines(storage) == left


def test_programs_get_rows_by_table(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    prune(args(**ALL, dry_run=True, output="json"))
    told = json.loads(capsys.readouterr().out)
    assert [(row["week_ending"], row["tier"], row["revision"]) for row in told] == [
        ("2025-10-10", "T1", "0"),  # Airflow writes every value as text
        ("2025-10-10", "T1", "1"),
    ]
    assert told[0]["rows"][LINES] == "2"
    assert told[0]["superseded_on"] == "2026-01-06"


def test_only_what_was_superseded_long_enough_ago(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    """The first was superseded on the sixth, the second on the seventh of January."""
    for day, rows in {"2026-01-06": 0, "2026-01-07": 6, "2026-01-08": 12}.items():
        prune(args(superseded_before=day, dry_run=True))
        assert f", {rows} rows, superseded before {day}" in capsys.readouterr().out
    prune(args(dry_run=True, older_than="10000w"))
    assert "0 captures of 0 weeks" in capsys.readouterr().out


def test_a_year_unless_told_otherwise(storage: Storage) -> None:
    now = command.utc_now()
    assert (now - command.rule_of(args(), now).superseded_before).days == 365
    assert (now - command.rule_of(args(older_than="2w"), now).superseded_before).days == 14


def test_other_tiers_weeks_and_what_is_to_be_kept(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    for given, captures in (
        ({"tier": "NMS Tier 1"}, 2),
        ({"tier": Tier.T2}, 0),
        ({"keep": 2}, 1),
        ({"week_to": "2025-10-03"}, 0),
        ({"week_from": "2025-10-10", "week_to": "2025-10-10"}, 2),
        ({"dataset": "finra.otc_transparency"}, 2),
    ):
        prune(args(**ALL, **given, dry_run=True))
        assert f"{captures} captures of" in capsys.readouterr().out, given


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({**ALL, "older_than": "1d"}, "not both"),
        ({"older_than": "a year"}, "such as 365d or 52w"),
        ({"superseded_before": "yesterday"}, "expected YYYY-MM-DD"),
        ({"dataset": "finra.otc_transparancy"}, "did you mean 'finra.otc_transparency'"),
        ({"week_from": "2025-11-12"}, "did you mean 2025-11-14"),
        ({"week_from": "2025-11-14", "week_to": "2025-11-07"}, "is after"),
        ({"tier": "T9"}, "T9"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    storage: Storage, capsys: pytest.CaptureFixture[str], given: dict[str, Any], words: str
) -> None:
    assert words in refused(capsys, **given, yes=True)
    assert lines(storage) == 8


def test_long_work_says_how_far_it_is(
    storage: Storage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_TELL_SECONDS", 0.0)
    prune(args(**ALL, yes=True))
    told = capsys.readouterr().err
    assert "1 of 2 captures, 6 rows, 50%, about " in told
    assert "2 of 2 captures, 12 rows, 100%, about 0 s left" in told


def test_a_vacuum_gives_space_back(storage: SqliteStorage, capsys: pytest.CaptureFixture[str]) -> None:
    storage.execute("CREATE TABLE large (text TEXT)")
    storage.execute("INSERT INTO large SELECT hex(randomblob(1000)) FROM pragma_function_list")
    storage.query("PRAGMA wal_checkpoint(TRUNCATE)")
    storage.execute("DROP TABLE large")
    before = storage.path.stat().st_size
    vacuum(Namespace())
    after = storage.path.stat().st_size
    assert f": {before - after:,} bytes given back" in capsys.readouterr().out
    assert after < before
    assert lines(storage) == 8


def test_a_vacuum_needs_room(
    storage: SqliteStorage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10, 5, 5))
    with pytest.raises(SystemExit, match="1"):
        vacuum(Namespace())
    assert "5 bytes are free, and a vacuum may take" in capsys.readouterr().err


def test_a_server_looks_after_its_own_space(
    postgres_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", postgres_url.replace("postgresql://", "postgres://"))
    vacuum(Namespace())
    assert "looks after its own space" in capsys.readouterr().out
