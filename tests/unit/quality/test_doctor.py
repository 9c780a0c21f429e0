"""What the doctor finds on both databases: first nothing, then whatever was broken on purpose."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from spine.core.tiers import Tier
from spine.quality.doctor import Diagnosis, examine
from spine.quality.findings import Finding
from spine.quality.gaps import Severity
from spine.storage.base import Storage
from spine.storage.ledger import set_hold
from spine.storage.sqlite import SqliteStorage
from tests.support.paths import ROOT
from tests.support.weekly import FRIDAY, LINES, PREFIX, Weekly, file_of, line

SQL_DIR = ROOT / "include" / "sql"
NOW = dt.datetime(2026, 8, 3, 13, tzinfo=dt.UTC)


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    """One week of OTCE, with one line that breaks a rule, all the way to its aggregates."""
    weekly = Weekly(upgraded_storage, tmp_path)
    lines = [line("AAAA", shares=100), line("BBBB", shares="2.5"), line("", shares=7)]
    weekly.load(file_path=weekly.write(file_of(*lines)), tier="OTCE", week_ending=FRIDAY.isoformat())
    return weekly


def _examine(storage: Storage, sql_dir: Path = SQL_DIR) -> Diagnosis:
    return examine(storage, sql_dir, tiers=[Tier.OTCE], weeks=1, end=FRIDAY, now=NOW)


def _only_finding(weekly: Weekly) -> Finding:
    [finding] = _examine(weekly.storage).findings
    return finding


def test_what_a_run_leaves_behind_is_healthy(weekly: Weekly) -> None:
    diagnosis = _examine(weekly.storage)
    assert (diagnosis.findings, diagnosis.gaps, diagnosis.healthy) == ((), (), True)


def test_a_gap_is_no_health(upgraded_storage: Storage) -> None:
    diagnosis = _examine(upgraded_storage)
    assert (diagnosis.findings, len(diagnosis.gaps), diagnosis.healthy) == ((), 1, False)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (f"DELETE FROM {LINES} WHERE symbol = 'AAAA'", "2 lines stored, 3 lines parsed"),
        (f"UPDATE {LINES} SET reason_code = NULL", "3 lines without a reject code, 2 rows normalized"),
        ("DELETE FROM core_rejects", "2 rows normalized and rejected, 3 lines parsed"),
        ("UPDATE core_captures SET rejected_count = 1", "3 lines read, 4 lines parsed and rejected"),
        ("DELETE FROM core_manifest WHERE stage = 'INGESTED'", "rows without stage: no INGESTED"),
        ("DELETE FROM core_manifest WHERE stage = 'NORMALIZED'", "rows without stage: lines are judged"),
        ("DELETE FROM core_manifest WHERE stage = 'AGGREGATED'", "rows without stage: 2 symbol summary rows"),
        (f"DELETE FROM {PREFIX}_symbol_summary", "stage without rows: AGGREGATED"),
        (f"DELETE FROM {PREFIX}_symbol_summary WHERE symbol = 'AAAA'", "1 symbol summary rows, 2 rows recorded"),
        (
            f"UPDATE {PREFIX}_symbol_summary SET total_volume = 101 WHERE symbol = 'AAAA'",
            "shares: symbol summary adds up to 103.5, normalized are 102.5",
        ),
    ],
)
def test_a_ledger_that_does_not_tell_the_truth_is_found_out(weekly: Weekly, damage: str, words: str) -> None:
    weekly.storage.execute(damage)
    found = [finding for finding in _examine(weekly.storage).findings if words in finding.message]
    assert [(finding.check, finding.severity) for finding in found] == [("ledger", Severity.CRITICAL)]
    assert found[0].command == (
        "airflow spine run finra.weekly_refresh -p tier=OTCE -p week_ending=2025-11-14 -p force=true"
    )


def test_a_held_capture_is_told_with_its_reason(weekly: Weekly) -> None:
    [capture_id] = [row["capture_id"] for row in weekly.rows("core_captures")]
    set_hold(weekly.storage, capture_id, "3 rows, expected 1,000 to 20,000")
    finding = _only_finding(weekly)
    assert (finding.check, finding.severity) == ("held", Severity.CRITICAL)
    assert "3 rows, expected 1,000 to 20,000; readers see nothing of this week" in finding.message
    assert finding.command == "airflow spine rejects list --tier OTCE --week-ending 2025-11-14"


def test_a_lease_that_ran_out_while_held_is_told(weekly: Weekly) -> None:
    an_hour_ago, then = NOW - dt.timedelta(hours=1), NOW - dt.timedelta(minutes=55)
    weekly.storage.execute(
        "UPDATE core_concurrency_locks SET acquired_at = :at, expires_at = :until, execution_id = 'lost'",
        {"at": an_hour_ago, "until": then},
    )
    finding = _only_finding(weekly)
    assert (finding.check, finding.severity) == ("leases", Severity.WARNING)
    assert "was not given back by run lost" in finding.message
    assert finding.command == "airflow spine run finra.weekly_refresh -p tier=OTCE -p week_ending=2025-11-14"


def test_a_lease_that_is_held_is_nobodys_concern(weekly: Weekly) -> None:
    weekly.storage.execute(
        "UPDATE core_concurrency_locks SET acquired_at = :at, expires_at = :until",
        {"at": NOW, "until": NOW + dt.timedelta(minutes=5)},
    )
    assert _examine(weekly.storage).healthy


def test_a_database_without_its_migrations_is_told_and_nothing_else(storage: Storage) -> None:
    diagnosis = _examine(storage)
    [finding] = diagnosis.findings
    assert (finding.check, finding.command) == ("migrations", "airflow spine db upgrade")
    assert "0001_core" in finding.message
    assert diagnosis.coverage is None


def test_an_edited_migration_is_told(weekly: Weekly, tmp_path: Path) -> None:
    sql_dir = tmp_path / "sql"
    shutil.copytree(SQL_DIR / "migrations", sql_dir / "migrations")
    edited = sql_dir / "migrations" / "0001_core.sql"
    edited.write_text(edited.read_text() + "-- edited\n")
    [finding] = _examine(weekly.storage, sql_dir).findings
    assert (finding.check, finding.severity) == ("migrations", Severity.CRITICAL)
    assert "edited after they were applied: 0001_core" in finding.message


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "spine.db").write_bytes(b"no database at all, and long enough to be one" * 100)
    storage = SqliteStorage(tmp_path / "spine.db")
    [finding] = _examine(storage).findings
    storage.close()
    assert (finding.check, finding.severity) == ("database", Severity.CRITICAL)
    assert "not a database" in finding.message


def test_a_damaged_page_is_found(upgraded_storage: Storage, tmp_path: Path) -> None:
    if not isinstance(upgraded_storage, SqliteStorage):
        pytest.skip("PostgreSQL looks after its own pages")
    upgraded_storage.close()
    with upgraded_storage.path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    checks = {finding.check for finding in _examine(upgraded_storage).findings}
    assert checks & {"integrity", "database"}
