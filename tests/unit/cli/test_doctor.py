"""``airflow spine doctor``: what people and programs read, and the exit code that scripts ask for."""

from __future__ import annotations

import datetime as dt
import json
import re
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spine.cli.doctor import doctor
from spine.core.tiers import Tier
from spine.core.weeks import newest_published, parse_week_ending, published_at, window
from spine.finra.simulator import running_simulator
from spine.storage.base import Storage
from spine.storage.ledger import set_hold
from tests.support.golden import assert_golden
from tests.support.storage import open_upgraded
from tests.support.weekly import FRIDAY, Weekly, file_of, line

WEEKS = window(parse_week_ending("2025-11-14"), 4)


@pytest.fixture
def weekly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Weekly]:
    """One week of OTCE in the database that the command finds by its connection."""
    path = tmp_path / "spine.db"
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with open_upgraded(f"sqlite:///{path}") as storage:
        weekly = Weekly(storage, tmp_path)
        _load(weekly, line("AAAA"))
        yield weekly


def _load(weekly: Weekly, *lines: str) -> str:
    return weekly.load(file_path=weekly.write(file_of(*lines)), tier="OTCE", week_ending=FRIDAY.isoformat())


def _args(**given: Any) -> Namespace:
    return Namespace(**{"weeks": None, "start": None, "end": None, "tier": None, "format": "text", **given})


def _told(capsys: pytest.CaptureFixture[str], storage: Storage) -> str:
    """The output, without what differs from one run to the next."""
    text = capsys.readouterr().out.replace(storage.describe(), "SQLite spine.db")
    text = re.sub(r":[0-9a-f]{6} ", ":xxxxxx ", text)
    return re.sub(r"checked [-\d]+ [\d:]+ UTC", "checked 2026-01-01 00:00 UTC", text)


def test_a_healthy_database_ends_with_zero(weekly: Weekly, capsys: pytest.CaptureFixture[str]) -> None:
    doctor(_args(weeks=1, end=FRIDAY.isoformat(), tier="OTC"))
    assert_golden("doctor/healthy.txt", _told(capsys, weekly.storage))


def test_gaps_and_findings_come_with_their_commands(weekly: Weekly, capsys: pytest.CaptureFixture[str]) -> None:
    set_hold(weekly.storage, _load(weekly, line("AAAA", shares=200)), "1 rows, expected 1,000 to 20,000")
    with pytest.raises(SystemExit, match="1"):
        doctor(_args(start=WEEKS[0].isoformat(), end=WEEKS[-1].isoformat()))
    assert_golden("doctor/gaps.txt", _told(capsys, weekly.storage))


def test_finra_is_asked_who_is_late(
    weekly: Weekly, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FINRA's clock stands still: it lacks the week that the calendar says is out since, and has one that we lack."""
    now = dt.datetime.now(dt.UTC)
    weeks = window(newest_published(Tier.T1, now), 3)
    stopped = published_at(Tier.T1, weeks[1]) + dt.timedelta(hours=1)
    with running_simulator(weeks=8, now=stopped.astimezone(dt.UTC)) as finra:
        monkeypatch.setenv("AIRFLOW_CONN_FINRA_DEFAULT", json.dumps({"conn_type": "finra", "host": finra.url}))
        with pytest.raises(SystemExit, match="1"):
            doctor(_args(weeks=3, tier="T1", format="json", ask_finra=True))
    cells = {gap["week_ending"]: gap["state"] for gap in json.loads(capsys.readouterr().out)["gaps"]}
    assert cells[weeks[1].isoformat()] == "late_here"
    assert cells.get(weeks[2].isoformat(), "due") in ("late_at_source", "due")  # due in the hours after its publication


def test_programs_get_json(weekly: Weekly, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        doctor(_args(weeks=2, end=FRIDAY.isoformat(), tier="OTCE", format="json"))
    told = json.loads(capsys.readouterr().out)
    assert (told["domain"], told["status"]) == ("finra.otc_transparency", "GAPS_DETECTED")
    counts = {name: told[name] for name in told if name.endswith("_partitions") or name == "weeks_checked"}
    assert counts == {"weeks_checked": 2, "expected_partitions": 2, "found_partitions": 1, "missing_partitions": 1}
    assert told["states"] == {"late_here": 1, "complete": 1}
    command = "airflow spine run finra.weekly_refresh -p tier=OTCE -p week_ending=2025-11-07"
    assert told["gaps"] == [
        {
            "week_ending": "2025-11-07",
            "tier": "OTCE",
            "state": "late_here",
            "missing_stages": ["INGESTED", "NORMALIZED", "AGGREGATED"],
            "severity": "CRITICAL",
            "partial": False,
            "command": command,
        }
    ]
    assert told["remediation"] == [
        {"command": command, "args": command.split(), "reason": "OTCE 2025-11-07 is not captured"}
    ]
    assert told["findings"] == []


def test_a_finding_alone_is_told_to_programs_too(weekly: Weekly, capsys: pytest.CaptureFixture[str]) -> None:
    weekly.storage.execute("DELETE FROM finra_otc_transparency_symbol_summary")
    with pytest.raises(SystemExit, match="1"):
        doctor(_args(weeks=1, end=FRIDAY.isoformat(), tier="OTCE", format="json"))
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["gaps"], len(told["findings"])) == ("FINDINGS", [], 1)
    assert told["findings"][0]["check"] == "ledger"


def test_a_week_that_is_no_friday_is_refused(weekly: Weekly, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        doctor(_args(start="2025-11-12", end=FRIDAY.isoformat()))
    assert "did you mean 2025-11-14?" in capsys.readouterr().err
