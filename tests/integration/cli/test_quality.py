"""``airflow spine quality``: as it is typed, on a database with a few weeks in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.cli.cli_parser import get_parser

from spine.core.tiers import Tier
from spine.core.weeks import published_on
from tests.support.gated_weeks import LAST, SYMBOLS, judge, lines_of, load_history
from tests.support.include import INCLUDE
from tests.support.storage import open_upgraded
from tests.support.weekly import PREFIX, Weekly, file_of, line

pytestmark = pytest.mark.integration
Shell = Callable[..., tuple[object, str, str]]


@pytest.fixture
def weekly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Weekly]:
    path = tmp_path / "domain.db"
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    monkeypatch.setenv("AIRFLOW__SPINE__FILE_ROOT", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__SPINE__INCLUDE_DIR", str(INCLUDE))
    with open_upgraded(f"sqlite:///{path}") as storage:
        known = Weekly(storage, tmp_path)
        load_history(known, 8)
        yield known


@pytest.fixture
def shell(weekly: Weekly, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Exit code, output and errors of a command."""
    level = logging.getLogger("spine").level

    def run(*words: str) -> tuple[object, str, str]:
        capsys.readouterr()
        code: object = 0
        args = get_parser().parse_args(["spine", "quality", *words])
        try:
            args.func(args)
        except SystemExit as ended:
            code = ended.code
        out = capsys.readouterr()
        return code, out.out, out.err

    yield run
    logging.getLogger("spine").setLevel(level)


def rows(output: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output)
    return found


ASSESS = ("assess", "--tier", "OTCE", "--start", "2025-09-19", "--end", str(LAST))


def test_an_assessment_as_text_json_and_page(shell: Shell, weekly: Weekly, tmp_path: Path) -> None:
    judge(weekly, file_of(*lines_of(LAST)))
    code, text, _ = shell(*ASSESS)
    assert code == 0 and "2025-11-14   A 100.0" in text and "ledger ✓" in text
    code, text, _ = shell(*ASSESS, "--format", "json", "--score-all", "--dry-run")
    told = json.loads(text)
    assert code == 0 and told["weeks"][-1]["grade"] == "A" and len(told["symbols"]) == 40
    page = tmp_path / "report.html"
    assert shell(*ASSESS, "--format", "html", "--out", str(page)) == (0, f"{page}\n", "")
    assert page.read_text().startswith("<!doctype html>")


def test_a_grade_may_be_required(shell: Shell, weekly: Weekly) -> None:
    judge(weekly, file_of(*lines_of(LAST)))
    newest = (*ASSESS, "--start", str(LAST))
    assert shell(*newest, "--require", "A")[0] == 0
    weekly.storage.execute(f"UPDATE {PREFIX}_venue_share SET rank = rank + 1 WHERE week_ending = '{LAST}'")
    code, text, _ = shell(*newest, "--require", "D", "--score", "S03")
    assert code == 1 and "CRITICAL OTCE 2025-11-14: shares: ranks 2 to 11" in text and "S03" in text


def test_an_anomaly_from_its_discovery_to_its_end(shell: Shell, weekly: Weekly) -> None:
    judge(weekly, file_of(*lines_of(LAST)))
    weekly.storage.execute(f"UPDATE {PREFIX}_venue_share SET rank = rank + 1 WHERE week_ending = '{LAST}'")
    shell(*ASSESS)
    (found,) = [each for each in rows(shell("anomalies", "-o", "json")[1]) if each["severity"] == "CRITICAL"]
    assert shell("acknowledge", found["anomaly_id"], "--by", "ann", "--note", "looking")[0] == 0
    assert shell("resolve", found["anomaly_id"], "--by", "ann", "--note", "repaired")[0] == 0
    code, _, error = shell("resolve", found["anomaly_id"], "--by", "ann", "--note", "twice")
    assert code == 1 and "is resolved already" in error
    assert found["anomaly_id"] not in shell("anomalies", "-o", "json")[1]
    (settled,) = [each for each in rows(shell("anomalies", "--all", "-o", "json")[1]) if each["severity"] == "CRITICAL"]
    assert (settled["state"], settled["settled_by"], settled["settled_note"]) == ("resolved", "ann", "repaired")


def test_a_held_week_is_seen_approved_and_audited(shell: Shell, weekly: Weekly) -> None:
    held = judge(weekly, file_of(*lines_of(LAST, times=2.2)))
    assert held.held == "gate"
    outcomes = rows(shell("results", "--week-ending", str(LAST), "-o", "json")[1])
    assert {each["status"] for each in outcomes} == {"HOLD", "WARN"}
    assert rows(shell("anomalies", "--week-ending", str(LAST), "-o", "json")[1])
    assert shell("approve", held.capture_id, "--by", "ann", "--reason", "index day")[0] == 0
    assert rows(shell("anomalies", "--week-ending", str(LAST), "-o", "json")[1]) == [{"anomalies": "none"}]
    (decided,) = rows(shell("audit", "--capture", held.capture_id, "-o", "json")[1])
    assert (decided["decision"], decided["decided_by"], decided["reason"]) == ("approve", "ann", "index day")
    code, _, error = shell("approve", held.capture_id, "--by", "ann", "--reason", "again")
    assert code == 1 and "waits for its gates" in error


def test_a_certification_ends_with_what_readers_see(shell: Shell, weekly: Weekly) -> None:
    """Its week is alone: T1 of it is missing, so it is blocked until a person says that this tier is enough."""
    good = judge(weekly, file_of(*lines_of(LAST)))
    code, _, error = shell("certify", "--tier", "OTCE", "--week-ending", str(LAST), "--for", "trading", "--reason", "x")
    assert code == 1 and "tier T1 of the week is missing" in error
    for tier in ("T1", "T2"):
        updated = published_on(Tier(tier), LAST).isoformat()
        other = [line(symbol, "VENA", 700, 7, tier=tier, updated=updated) for symbol in SYMBOLS]
        path = weekly.write(file_of(*other), f"{tier}.psv")
        weekly.load(tier=tier, week_ending=LAST.isoformat(), file_path=path)
    certify = (
        "certify",
        "--tier",
        "OTCE",
        "--week-ending",
        str(LAST),
        "--for",
        "trading",
        "--by",
        "ann",
        "--reason",
        "month end",
    )
    assert shell(*certify)[0] == 0
    judged = judge(weekly, file_of(*lines_of(LAST), line("NEWS", "VENA", 700, 7, updated="2025-12-15")))
    assert judged.capture_id != good.capture_id and judged.held is None
    decided = rows(shell("audit", "-o", "json")[1])
    assert {(each["decision"], each["purpose"]) for each in decided} == {
        ("certify", "trading"),
        ("uncertify", "trading"),
    }
    (alert,) = [each for each in weekly.rows("core_alerts") if each["cause"] == "certification_lost:trading"]
    assert alert["severity"] == "ERROR" and "certified for trading by ann" in alert["message"]
    found = rows(shell("readiness", "--tier", "OTCE", "--weeks", "60", "-o", "json")[1])
    assert [each["certified_for"] for each in found if each["week_ending"] == str(LAST)] == [""]


def test_suites_are_checked_and_described(shell: Shell, weekly: Weekly, tmp_path: Path) -> None:
    code, text, _ = shell("lint")
    assert code == 0 and "finra_otc_transparency.ingested: 17 rules, no problem" in text
    assert json.loads(shell("schema")[1])["type"] == "object"
    good = judge(weekly, file_of(*lines_of(LAST)))
    page = tmp_path / "page.html"
    assert shell("page", good.capture_id, "--suite", "finra_otc_transparency.ingested", "--out", str(page))[0] == 0
    assert "row_count" in page.read_text() or "expect" in page.read_text().lower()
    assert "no capture" in str(
        shell("page", "none", "--suite", "finra_otc_transparency.ingested", "--out", str(page))[0]
    )
