"""A frontend's way in: Airflow running, runs triggered over its REST API, results read from the domain database."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest

from spine.core.tiers import Tier
from spine.finra.synthetic import SyntheticMarket, write_weeks
from spine.storage.sqlite import SqliteStorage
from tests.support.paths import FINRA_DATA
from tests.support.standalone import Airflow, Deployment

pytestmark = pytest.mark.integration
DAG_ID = "finra.weekly_refresh"
REAL_FILE = "finra_otc_weekly_otc_20251215.csv"


@pytest.fixture(scope="module")
def airflow(standalone: Deployment) -> Airflow:
    """With one invented week, and a real one where there is one, to read."""
    market = SyntheticMarket(symbols=dict.fromkeys(Tier, 20))
    write_weeks(standalone.files, weeks=1, until=dt.date(2026, 5, 15), tiers=[Tier.T1], market=market)
    if (FINRA_DATA / REAL_FILE).exists():
        shutil.copy(FINRA_DATA / REAL_FILE, standalone.files)
    return standalone.airflow


@pytest.fixture
def storage(standalone: Deployment) -> SqliteStorage:
    return standalone.storage


@pytest.mark.timeout(600)
def test_a_triggered_run_brings_the_newest_file_of_a_tier(airflow: Airflow, storage: SqliteStorage) -> None:
    answer = airflow.trigger(DAG_ID, {"tier": "T1"})
    assert answer.status_code == 200, answer.text
    run = airflow.finished(DAG_ID, answer.json()["dag_run_id"])
    assert run["state"] == "success", run
    # One week is no history: the rolling step is skipped, and the step behind it runs all the same.
    assert run["tasks"]["rolling"] == "skipped"
    assert run["tasks"]["notify"] == "success"
    symbols = storage.query(
        "SELECT COUNT(*) FROM finra_otc_transparency_symbol_summary_latest WHERE tier = 'T1'"
    ).scalar
    assert symbols > 0


@pytest.mark.timeout(600)
def test_the_real_week_through_the_api_gives_the_known_totals(airflow: Airflow, storage: SqliteStorage) -> None:
    if not (FINRA_DATA / REAL_FILE).exists():
        pytest.skip(f"no FINRA files in {FINRA_DATA}")
    conf = {"tier": "OTCE", "week_ending": "2025-11-14", "source": "file", "file_path": REAL_FILE}
    run = airflow.finished(DAG_ID, airflow.trigger(DAG_ID, conf).json()["dag_run_id"])
    assert run["state"] == "success", run
    totals = storage.query(
        "SELECT COUNT(*) AS lines, SUM(total_shares) AS shares, SUM(total_trades) AS trades "
        "FROM finra_otc_transparency_venue_volume_latest WHERE tier = 'OTCE' AND week_ending = '2025-11-14'"
    ).first
    assert totals == {"lines": 5328, "shares": 1_335_995_901, "trades": 472_776}


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({"tier": "T9"}, "'T9' is not one of"),
        ({"week_ending": "2025-13-40"}, "2025-13-40"),
        ({"force": "maybe"}, "maybe"),
    ],
)
def test_a_bad_parameter_is_refused_at_the_door(airflow: Airflow, conf: dict[str, str], words: str) -> None:
    answer = airflow.trigger(DAG_ID, conf)
    assert answer.status_code == 400
    assert words in answer.text


def test_a_week_that_is_no_friday_fails_the_first_step_only(airflow: Airflow, storage: SqliteStorage) -> None:
    answer = airflow.trigger(DAG_ID, {"tier": "T1", "week_ending": "2026-04-22"})
    run = airflow.finished(DAG_ID, answer.json()["dag_run_id"])
    assert run["state"] == "failed"
    assert run["tasks"]["ingest"] == "failed"
    assert run["tasks"]["normalize"] == "upstream_failed"
