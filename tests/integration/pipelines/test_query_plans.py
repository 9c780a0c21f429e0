"""What a run costs depends on its weeks, not on the history: it finds every row by a key."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.adbc import AdbcSession
from spine.storage.base import Params, QueryResult
from spine.storage.sql import first_word
from tests.support.storage import open_upgraded
from tests.support.weekly import Weekly

FIRST, SECOND = dt.date(2026, 3, 6), dt.date(2026, 3, 13)
MARKET = SyntheticMarket(symbols={Tier.T2: 20}, venues=6)
_SCAN = re.compile(r"SCAN (\w+)")
_NO_TABLES = {"CONSTANT", "pragma_table_info"}
_MADE = re.compile(r"(?:CO-ROUTINE|MATERIALIZE) (\w+)")


@pytest.fixture
def weekly(tmp_path: Path) -> Iterator[Weekly]:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        yield Weekly(storage, tmp_path)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch, weekly: Weekly) -> list[tuple[str, Params | None]]:
    """What is sent to the database from now on."""
    sent: list[tuple[str, Params | None]] = []
    execute, query = AdbcSession.execute, AdbcSession.query

    def executed(session: AdbcSession, sql: str, params: Params | None = None) -> int:
        sent.append((sql, params))
        return execute(session, sql, params)

    def queried(session: AdbcSession, sql: str, params: Params | None = None) -> QueryResult:
        sent.append((sql, params))
        return query(session, sql, params)

    monkeypatch.setattr(AdbcSession, "execute", executed)
    monkeypatch.setattr(AdbcSession, "query", queried)
    return sent


def run_week(weekly: Weekly, week_ending: dt.date, revision: int = 0, **params: Any) -> None:
    rows = MARKET.week(Tier.T2, week_ending, revision=revision)
    write_week_file(rows[::-1] if revision else rows, weekly.root / "tier2.csv")
    weekly.run(tier="T2", week_ending=week_ending.isoformat(), file_path="tier2.csv", window_weeks=2, **params)


def scanned(weekly: Weekly, sql: str, params: Params | None) -> set[str]:
    """Tables that a statement reads from end to end."""
    plan = [str(row[-1]) for row in weekly.storage.query(f"EXPLAIN QUERY PLAN {sql}", params).rows]
    made = {found[1] for step in plan if (found := _MADE.match(step))}
    return {found[1] for step in plan if (found := _SCAN.match(step))} - made - _NO_TABLES


def test_no_statement_of_a_run_reads_a_table_from_end_to_end(
    weekly: Weekly, statements: list[tuple[str, Params | None]]
) -> None:
    run_week(weekly, FIRST)
    run_week(weekly, SECOND)
    run_week(weekly, FIRST, revision=1)  # a revision in another order, and figures that follow it
    sent = [each for each in statements if first_word(each[0]) in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")]
    found = {sql: tables for sql, params in sent if (tables := scanned(weekly, sql, params))}
    assert len(sent) > 100
    assert not found
