"""Three databases, one answer: the same files through every pipeline leave the same rows in every table and view."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

import pytest

from spine.core.tiers import Tier
from spine.core.weeks import published_on, window
from spine.finra.download_file import write_week_file
from spine.finra.files import download_name
from spine.finra.synthetic import SyntheticMarket
from spine.pipelines.load_table import load_table
from spine.pipelines.registry import get_pipeline
from spine.quality.assessment.assess import Scope, assess
from spine.quality.assessment.stored import save
from spine.quality.readiness import read_readiness, save_readiness
from tests.support.db2_wire.server import Db2Wire
from tests.support.postgres import PostgresServer
from tests.support.same_rows import differences_between, rows_of
from tests.support.storage import DATABASES, open_upgraded
from tests.support.weekly import PREFIX, REAL_FILE, Weekly, line

pytestmark = pytest.mark.integration

PAIRS = pytest.mark.parametrize("pair", list(combinations(DATABASES, 2)), ids="-".join)
WEEKS = window(dt.date(2026, 3, 20), 3)
MARKET = SyntheticMarket(symbols=dict.fromkeys(Tier, 50), venues=10)
Rows = dict[str, list[dict[str, object]]]


@pytest.fixture(scope="module")
def urls(
    postgres_server: PostgresServer, db2_wire: Db2Wire, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """A new database of each kind, as often as it is called."""
    with ExitStack() as stack:

        def url(name: str) -> str:
            if name == "sqlite":
                return f"sqlite:///{tmp_path_factory.mktemp('one') / 'spine.db'}"
            return stack.enter_context(postgres_server.database()) if name == "postgres" else db2_wire.new_schema()

        yield url


TIER_NAMES = {Tier.T2: "NMS Tier 2", Tier.OTCE: "OTC"}


def odd_lines(tier: Tier, week: dt.date, least: str) -> list[str]:
    """Lines that a stage refuses, and quantities at the ends of what can be stored."""
    same = {"tier": TIER_NAMES[tier], "updated": published_on(tier, week).isoformat()}
    twin = line("ODD", "TWIN", "12.5", **same)
    return [
        line("ODD", "BAD", "many", **same), line("ODD", "NONE", 0, 0, **same), twin, twin,
        line("ODD", "TWO", "12.000001", **same), line("ODD", "TWO", "12.000002", **same),
        line("MOST", "MOST", "999999999999.999999", **same), line("ODD", "LEAST", least, **same),
    ]  # fmt: skip


def write_week(weekly: Weekly, tier: Tier, week: dt.date, name: str, least: str = "0.000001") -> dict[str, str]:
    """A file of it; the params to run it with."""
    path = weekly.root / name
    write_week_file(MARKET.week(tier, week), path)
    weekly.write("\n".join([path.read_text().rstrip(), *odd_lines(tier, week, least), ""]), name)
    return {"tier": str(tier), "week_ending": week.isoformat(), "file_path": name}


def live(weekly: Weekly) -> None:
    """Weeks, a restatement with what rests on it, a backfill, tables loaded by declaration, and a look at all of it."""
    for week in WEEKS:
        weekly.run(**write_week(weekly, Tier.T2, week, f"{week}.psv"), window_weeks=2)
    again = weekly.run(**write_week(weekly, Tier.T2, WEEKS[0], "restated.psv", least="0.000003"), window_weeks=2)
    assert again.results["refresh_dependents"].output["weeks"] == [WEEKS[1].isoformat()]
    for week in WEEKS:
        write_week(weekly, Tier.OTCE, week, download_name(Tier.OTCE, week))
    backfill = {"workflow": "finra.weekly_refresh", "tier": "OTCE", "source": "file", "weeks_back": 3}
    done = get_pipeline("core.run_weeks").run(weekly.context(**backfill, end_week=WEEKS[-1].isoformat()))
    assert done.output["captured"] == 3
    load_bonds(weekly)
    assess_it(weekly)


def assess_it(weekly: Weekly) -> None:
    """Scores of weeks and symbols, what is wrong, and which weeks may be relied on."""
    context = weekly.context()
    found = assess(context, Scope(first=WEEKS[0], last=WEEKS[-1], symbols=True))
    save(context, found)
    save_readiness(weekly.storage, read_readiness(weekly.storage, found.assessed_at, len(WEEKS)), found.assessed_at)


BOND = "cusip|volume|trades|price\n"
BONDS = {
    "upsert": BOND + "A1|100|3|99.875\nB2|7||0.1\nC3|x|1|1\nA1|100|3|99.875\n",
    "replace_partition": BOND + "A1|101|3|99.875\nD4|1|1|\n",
}  # fmt: skip


def load_bonds(weekly: Weekly) -> None:
    """Into a table of the migrations, in each mode that it can have."""
    columns = {
        "week_ending": {"type": "date", "value": "2026-03-20"},
        "tier": {"value": "T1"},
        "cusip": None,
        "volume_total": {"type": "integer", "from": "volume", "nullable": False},
        "trade_count": {"type": "integer", "from": "trades", "default": 0},
        "avg_price": {"type": "double", "from": "price"},
        "source": {"value": "TEST"},
        "loaded_at": {"stamp": "loaded_at"},
    }
    for mode, content in BONDS.items():
        source = {"type": "file", "path": weekly.write(content, f"{mode}.psv")}
        load = {
            "dataset": "bonds", "table": "fact_bond_trade_activity", "source": source, "columns": columns, "mode": mode,
            "key": ["week_ending", "tier", "cusip"], "partition": ["week_ending", "tier"],
        }  # fmt: skip
        load_table.run(weekly.context(load=load))


def tolerant(include: Path, target: Path) -> Path:
    """The content, but no quantity that can be stored is absurd: the ends of the range go through every table."""
    shutil.copytree(include, target)
    for suite in (target / "expectations").glob("*.yaml"):
        text = suite.read_text().replace("most: 0.02", "most: 0.5")
        suite.write_text(text.replace("total_shares >= 100000000000", "total_shares >= 10000000000000"))
    return target


@pytest.fixture(scope="module")
def lived(urls: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """Everything that each database then holds."""
    found, folder = {}, tmp_path_factory.mktemp("weeks")
    for name in DATABASES:
        with open_upgraded(urls(name)) as storage:
            live(Weekly(storage, folder, include=tolerant(Weekly(storage, folder).settings.include_dir, folder / name)))
            found[name] = rows_of(storage)
    return found


@PAIRS
def test_the_same_weeks_leave_the_same_rows(lived: dict[str, Rows], pair: tuple[str, str]) -> None:
    one, other = pair
    assert differences_between(lived[one], lived[other], exact="sqlite" not in pair) == []


# Nothing is pruned there, nothing fails for good, nothing is odd, and nobody decides.
NEVER_FILLED = {
    "core_prunes", "circuit_breakers", "dead_letter_queue", "core_decisions", "core_alerts", "core_alert_deliveries",
    "core_alert_notifications", "core_alert_silences", "core_alert_throttle", "alert_history",
}  # fmt: skip


def test_every_table_and_view_has_a_part_in_that(lived: dict[str, Rows]) -> None:
    for name, tables in lived.items():
        assert {table for table, rows in tables.items() if not rows} <= NEVER_FILLED, name
        assert {row["reason_code"] for row in tables["core_rejects"]} >= {
            "BAD_NUMBER",
            "DUPLICATE_ROW",
            "CONFLICTING_KEY",
        }


@pytest.fixture(scope="module")
def real(urls: Callable[[str], str], finra_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The tables after a real week; not the views, through which what stands in for Db2 reads so many rows in minutes."""
    found, folder = {}, tmp_path_factory.mktemp("real")
    shutil.copy(finra_data / REAL_FILE, folder)
    for name in DATABASES:
        with open_upgraded(urls(name)) as storage:
            Weekly(storage, folder).load(tier="OTCE", file_path=REAL_FILE)
            found[name] = rows_of(storage, [table for table in storage.tables() if not table.endswith("_latest")])
    return found


@PAIRS
def test_a_real_week_leaves_the_same_rows(real: dict[str, Rows], pair: tuple[str, str]) -> None:
    one, other = pair
    assert differences_between(real[one], real[other], exact="sqlite" not in pair) == []
    assert len(real[one][f"{PREFIX}_lines"]) == 5328
