"""A running Airflow beside a FINRA: backfills by REST and by command, many weeks in one run, the newest week, the form."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from spine.core.tiers import Tier
from spine.core.weeks import monday_of, newest_published, window
from tests.support.standalone import Airflow, Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
TIERS = [str(tier) for tier in Tier]


@pytest.fixture
def airflow(standalone: Deployment) -> Airflow:
    return standalone.airflow


def newest_weeks(tier: Tier, count: int) -> list[dt.date]:
    return window(newest_published(tier, dt.datetime.now(dt.UTC)), count)


def runs_of(airflow: Airflow, dag_id: str) -> dict[str, tuple[str, str]]:
    """Type and state of every run, by the date its week starts on."""
    runs = airflow.call("GET", f"/api/v2/dags/{dag_id}/dagRuns").json()["dag_runs"]
    return {run["data_interval_start"][:10]: (run["run_type"], run["state"]) for run in runs}


def finished_runs(airflow: Airflow, dag_id: str) -> dict[str, tuple[str, str]]:
    """The same when all of them are over; a DAG that is paused would not run them."""
    airflow.unpause(dag_id)
    return airflow.until(
        lambda: runs_of(airflow, dag_id),
        lambda runs: all(state in ("success", "failed") for _, state in runs.values()),
    )


def wait_for_backfills(airflow: Airflow, dag_id: str) -> None:
    """Airflow notices every 30 seconds that a backfill is complete, and until then refuses another one of the DAG."""
    airflow.until(
        lambda: airflow.call("GET", f"/api/v2/backfills?dag_id={dag_id}").json()["backfills"],
        lambda backfills: all(each["completed_at"] for each in backfills),
    )


def captures(deployment: Deployment, tier: Tier, since: dt.date) -> list[dict[str, Any]]:
    """Captures from that week on, with the lines each one read."""
    found = deployment.storage.query(
        "SELECT week_ending, revision, source_type, line_count FROM core_captures "
        "WHERE tier = :tier AND week_ending >= :since ORDER BY week_ending",
        {"tier": str(tier), "since": since},
    )
    return list(found)


def published(deployment: Deployment, tier: Tier, weeks: list[dt.date]) -> list[dict[str, Any]]:
    """What ``captures`` must be when each of these weeks was read once, whole, from the simulator."""
    market, today = deployment.finra.options.market, deployment.finra.clock.now().date()
    return [
        {
            "week_ending": week.isoformat(),
            "revision": 0,
            "source_type": "api",
            "line_count": market.week(tier, week, revision=market.revision_on(tier, week, today)).num_rows,
        }
        for week in weeks
    ]


def test_a_backfill_over_rest_runs_each_published_week_once(standalone: Deployment, airflow: Airflow) -> None:
    dag_id, weeks = "finra_otc_t1_publication", newest_weeks(Tier.T1, 3)
    first, last = monday_of(weeks[0]), monday_of(weeks[-1])
    expected = {str(monday_of(week)): ("backfill", "success") for week in weeks}
    body = {"dag_id": dag_id, "from_date": f"{first}T00:00:00Z", "to_date": f"{last}T00:00:00Z"}
    answer = airflow.call("POST", "/api/v2/backfills", json=body)
    assert answer.status_code == 200, answer.text
    # The schedule would run the newest week by itself, now that it is not paused; it finds it taken.
    assert finished_runs(airflow, dag_id) == expected
    since = weeks[0] - dt.timedelta(weeks=2)
    assert captures(standalone, Tier.T1, since) == published(standalone, Tier.T1, weeks)
    wait_for_backfills(airflow, dag_id)
    again = airflow.command("backfill", "create", "--dag-id", dag_id, "--from-date", str(first), "--to-date", str(last))
    assert again.returncode == 0, again.stderr
    assert finished_runs(airflow, dag_id) == expected
    assert captures(standalone, Tier.T1, since) == published(standalone, Tier.T1, weeks)


def test_a_backfill_by_airflow_2s_command_runs_each_published_week_once(
    standalone: Deployment, airflow: Airflow
) -> None:
    dag_id, weeks = "finra_otc_otce_publication", newest_weeks(Tier.OTCE, 2)
    dates = ("-s", str(monday_of(weeks[0])), "-e", str(monday_of(weeks[-1])))
    dry = airflow.command("dags", "backfill", dag_id, *dates, "--dry-run")
    assert [str(monday_of(week)) in dry.stdout for week in weeks] == [True, True], dry.stdout + dry.stderr
    assert runs_of(airflow, dag_id) == {}
    done = airflow.command("dags", "backfill", dag_id, *dates)
    assert done.returncode == 0, done.stderr
    assert finished_runs(airflow, dag_id) == {str(monday_of(week)): ("backfill", "success") for week in weeks}
    assert captures(standalone, Tier.OTCE, weeks[0]) == published(standalone, Tier.OTCE, weeks)


def test_many_weeks_of_all_tiers_in_one_run(standalone: Deployment, airflow: Airflow) -> None:
    weeks = window(newest_published(Tier.OTCE, standalone.finra.clock.now()) - dt.timedelta(weeks=9), 3)
    conf = {"weeks_back": 3, "end_week": str(weeks[-1]), "source": "api"}
    run = fill(airflow, conf)
    pools = {task["task_id"]: task["pool"] for task in run["instances"]}
    assert {name for name, pool in pools.items() if pool == "finra"} == {f"fill.{tier}.weeks" for tier in TIERS}
    assert [receipt(airflow, run, tier)["captured"] for tier in TIERS] == [3, 3, 3]
    aggregated = standalone.storage.query(
        "SELECT tier, week_ending FROM core_latest WHERE stage = 'AGGREGATED' AND week_ending BETWEEN :first AND :last",
        {"first": weeks[0], "last": weeks[-1]},
    )
    assert set(aggregated.rows) == {(tier, str(week)) for tier in TIERS for week in weeks}
    standalone.finra.journal.clear()
    again = fill(airflow, conf)
    assert [receipt(airflow, again, tier)["already_complete"] for tier in TIERS] == [3, 3, 3]
    assert standalone.finra.journal.entries == ()  # a week that is complete costs FINRA nothing


def fill(airflow: Airflow, conf: dict[str, Any]) -> dict[str, Any]:
    """A run of ``finra.backfill`` that succeeded, with its task instances."""
    run = airflow.finished("finra.backfill", airflow.trigger("finra.backfill", conf).json()["dag_run_id"])
    assert run["state"] == "success", run
    path = f"/api/v2/dags/finra.backfill/dagRuns/{run['dag_run_id']}/taskInstances"
    return {**run, "instances": airflow.call("GET", path).json()["task_instances"]}


def receipt(airflow: Airflow, run: dict[str, Any], tier: str) -> dict[str, Any]:
    """What the task of a tier returned."""
    task = f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances/fill.{tier}.weeks"
    value: dict[str, Any] = airflow.call("GET", f"{task}/xcomEntries/return_value").json()["value"]
    return value


def test_a_run_without_a_week_takes_the_newest_one_that_finra_has(standalone: Deployment, airflow: Airflow) -> None:
    clock = standalone.finra.clock
    behind = dt.timedelta(weeks=2)
    clock.advance(-behind)  # FINRA is late: what it has is older than the calendar says
    try:
        newest = newest_published(Tier.T2, clock.now())
        answer = airflow.trigger("finra.weekly_refresh", {"tier": "T2", "source": "api"})
        run = airflow.finished("finra.weekly_refresh", answer.json()["dag_run_id"])
    finally:
        clock.advance(behind)
    assert run["state"] == "success", run
    captured = standalone.storage.query(
        "SELECT tier, week_ending FROM core_captures WHERE execution_id = :run", {"run": run["dag_run_id"]}
    )
    assert captured.rows == [("T2", str(newest))]


def test_an_unknown_key_of_a_conf_is_named(airflow: Airflow) -> None:
    answer = airflow.trigger("finra.weekly_refresh", {"teir": "T1", "source": "api"})
    run = airflow.finished("finra.weekly_refresh", answer.json()["dag_run_id"])
    assert (run["state"], run["tasks"]["ingest"]) == ("failed", "failed")
    path = f"/api/v2/dags/finra.weekly_refresh/dagRuns/{run['dag_run_id']}/taskInstances/ingest/logs/1"
    log = airflow.call("GET", path, params={"full_content": True}).text
    assert "has no param 'teir'; did you mean 'tier'?" in log


def test_every_dag_is_there_without_an_import_error(airflow: Airflow) -> None:
    assert airflow.call("GET", "/api/v2/importErrors").json()["import_errors"] == []
    listed = airflow.call("GET", "/api/v2/dags").json()["dags"]
    assert {dag["dag_id"] for dag in listed} >= {
        "finra.weekly_refresh", "finra.backfill", "finra_otc_t1_publication", "finra_otc_look_back",
    }  # fmt: skip
    assert [dag["dag_id"] for dag in listed if dag["has_import_errors"]] == []


def test_the_trigger_form_knows_choices_dates_and_switches(airflow: Airflow) -> None:
    params = airflow.call("GET", "/api/v2/dags/finra.weekly_refresh/details").json()["params"]
    schemas = {name: param["schema"] for name, param in params.items()}
    assert {"T1", "T2", "OTCE"} <= set(schemas["tier"]["enum"])
    assert schemas["source"]["enum"] == ["file", "api"]
    assert schemas["week_ending"]["format"] == "date"
    assert schemas["week_ending"]["type"] == ["string", "null"]
    assert schemas["force"]["type"] == "boolean"
    assert (params["week_ending"]["value"], params["force"]["value"]) == (None, False)
    assert all(param["description"] and param["schema"]["title"] for param in params.values())
