"""Spine's SQL as Db2 gets it, read by H2 in its Db2 mode: what Apache Derby cannot parse is tried here. H2 is not Db2."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.db2 import Db2Storage
from spine.storage.migrations import find_migrations, status, upgrade
from spine.storage.sql import read_sql
from tests.support.h2.literals import with_values
from tests.support.h2.server import H2Server, H2Storage
from tests.support.include import INCLUDE
from tests.support.storage import open_upgraded
from tests.support.weekly import Weekly, assert_same, file_of, good_lines, line

pytestmark = pytest.mark.integration

SQL = INCLUDE / "sql"
FIRST, SECOND = dt.date(2026, 3, 6), dt.date(2026, 3, 13)
MARKET = SyntheticMarket(symbols={Tier.T2: 40}, venues=12)
PLACEHOLDERS = ("venue_rows", "window_captures")
BAD = (
    line("GOOD00", shares=1000),  # a repeated key
    line("AGAIN", shares=1),
    line("AGAIN", shares=1),
    line("", shares=5),
    line("ZERO", shares=0, trades=0),
    line("HALF", shares="10.123456", trades=3),
)


@pytest.fixture
def h2(h2_server: H2Server) -> Iterator[H2Storage]:
    with closing(h2_server.new_storage()) as storage:
        upgrade(storage, SQL)
        yield storage


def live_through(weekly: Weekly) -> None:
    """Two weeks of one tier, a restatement of the first, a week of another with lines that are refused, one by product."""
    for week_ending, revision in ((FIRST, 0), (SECOND, 0), (FIRST, 1)):
        name = f"{week_ending}_{revision}.csv"
        write_week_file(MARKET.week(Tier.T2, week_ending, revision=revision), weekly.root / name)
        weekly.run(tier="T2", week_ending=week_ending.isoformat(), file_path=name, window_weeks=2)
    path = weekly.write(file_of(*good_lines(100), *BAD))
    weekly.run(tier="OTCE", file_path=path)
    lines = (f"2026-03-06|OTC|{each}|10.5|2" for each in ("S|AAAA|NMS", "S|AAAA|ETF", "S|BBBB|NMS", "R|AAAA|NMS"))
    header = "WeekEnding|Tier|Symbol|MPID|ProductTypeCode|TotalShares|TotalTrades"
    weekly.run(tier="OTCE", file_path=weekly.write(file_of(*lines, header=header)))


def revisions(weekly: Weekly) -> list[dict[str, float]]:
    found = [json.loads(row["impact_summary"]) for row in weekly.rows("core_data_revisions")]
    return [{name: float(value) for name, value in impact.items()} for impact in found]


def test_every_statement_gives_the_rows_that_it_gives_on_sqlite(h2: H2Storage, tmp_path: Path) -> None:
    with open_upgraded(f"sqlite:///{tmp_path / 'spine.db'}") as storage:
        expected, found = Weekly(storage, tmp_path), Weekly(h2, tmp_path, include=INCLUDE)
        live_through(expected)
        live_through(found)
        assert_same(found.pictures(), expected.pictures())
        assert found.counts() == expected.counts()
        assert found.rejects() == expected.rejects() != {}
        assert [pytest.approx(each) for each in revisions(found)] == revisions(expected) != []
    shipped = [path for path in (SQL / "finra_otc_transparency").rglob("*.sql") if "." not in path.stem]
    assert not [path.name for path in shipped if not was_read(h2, path)]


def was_read(h2: H2Storage, path: Path) -> bool:
    """Whether a file's statement was run, whatever its placeholders stood for."""
    anything = "ANYTHING"
    text = read_sql(path, h2.dialect, dict.fromkeys(PLACEHOLDERS, anything)).strip()
    form = re.compile(re.escape(text).replace(anything, ".*"), re.DOTALL)
    return any(form.search(each) for each in h2.statements)


def test_every_migration_is_read(h2: H2Storage) -> None:
    assert status(h2, SQL).applied == [each.migration_id for each in find_migrations(SQL)]
    assert {table for table in h2.tables() if h2.query(f'SELECT * FROM "{table}"').columns} == set(h2.tables())


def test_values_stand_where_their_markers_were() -> None:
    sql = "SELECT '?', \"?\", ? -- ?\n, CAST(? AS DATE), ?"
    assert with_values(sql, ("it's", dt.date(2026, 1, 2), None)) == (
        "SELECT '?', \"?\", 'it''s' -- ?\n, CAST(DATE '2026-01-02' AS DATE), NULL"
    )


def test_no_shipped_statement_has_a_variant_for_db2() -> None:
    """What H2 reads is what Db2 gets, and what everyone gets."""
    assert not list(SQL.rglob("*.db2.sql"))
    assert Db2Storage.dialect.types == H2Storage.dialect.types
