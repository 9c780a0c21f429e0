"""The console in a running Airflow: who is let in, what they read, how errors are told."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from spine.core.tiers import Tier
from spine.storage.ledger import set_hold
from tests.support.ledger import ALL, add_capture
from tests.support.standalone import Airflow, Deployment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
# Weeks that no other test of the shared Airflow touches.
FRIDAY = dt.date(2024, 3, 15)
RANGE = f"weeks=2&end={FRIDAY}"
ROUTES = ["", "static/console.css", "api/v1/coverage", f"api/v1/coverage/T1/{FRIDAY}", "api/v1/openapi.json"]


@pytest.fixture(scope="module")
def airflow(standalone: Deployment) -> Airflow:
    """With a complete week, a half done one, a restated and held one; all others are missing."""
    storage, before = standalone.storage, FRIDAY - dt.timedelta(days=7)
    add_capture(storage, Tier.T1, FRIDAY, rows=4812)
    add_capture(storage, Tier.T2, FRIDAY, ALL[:1])
    add_capture(storage, Tier.OTCE, FRIDAY)
    held = add_capture(storage, Tier.OTCE, FRIDAY, ALL[:1], revision=1)
    set_hold(storage, held, "4 rows, expected 1,000 to 20,000")
    add_capture(storage, Tier.T1, before)
    return standalone.airflow


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_gets_in_without_a_login(airflow: Airflow, route: str) -> None:
    answer = httpx.get(f"{airflow.url}/spine/{route}")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["category"] == "PERMISSION"


@pytest.mark.parametrize("route", ROUTES)
def test_whoever_is_logged_in_gets_in(airflow: Airflow, route: str) -> None:
    assert airflow.call("GET", f"/spine/{route}").status_code == 200


def test_a_browsers_login_is_a_cookie(airflow: Airflow) -> None:
    answer = httpx.get(f"{airflow.url}/spine/", cookies={"_token": airflow.token})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_token_of_someone_else_is_refused(airflow: Airflow) -> None:
    answer = httpx.get(f"{airflow.url}/spine/", headers={"Authorization": f"Bearer {airflow.token[:-9]}forged000"})
    assert answer.status_code in (401, 403)


def test_a_page_that_needs_a_login_says_so_to_people(airflow: Airflow) -> None:
    answer = httpx.get(f"{airflow.url}/spine/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "Log in to Airflow" in answer.text


def test_the_matrix_has_a_state_for_each_week_and_tier(airflow: Airflow) -> None:
    seen = airflow.call("GET", f"/spine/api/v1/coverage?{RANGE}").json()
    states = {week["week_ending"]: [cell["state"] for cell in week["cells"]] for week in seen["weeks"]}
    assert states == {
        "2024-03-15": ["complete", "partial", "held"],
        "2024-03-08": ["complete", "late_here", "late_here"],
    }
    [complete, partial, held] = seen["weeks"][0]["cells"]
    assert complete["newest"]["parsed"] == 4812
    assert partial["missing_stages"] == ["NORMALIZED", "AGGREGATED"]
    assert (held["revisions"], held["readable"]) == (2, True)
    assert [remedy["args"][3] for remedy in seen["remediation"]] == ["finra.weekly_refresh"] * 3


def test_a_tier_may_be_asked_for_by_any_of_its_names(airflow: Airflow) -> None:
    seen = airflow.call("GET", f"/spine/api/v1/coverage?{RANGE}&tier=NMS+Tier+1").json()
    assert seen["tiers"] == ["T1"]


def test_a_cell_shows_its_captures(airflow: Airflow) -> None:
    cell = airflow.call("GET", f"/spine/api/v1/coverage/OTC/{FRIDAY}").json()
    [newest, first] = cell["captures"]
    assert (newest["revision"], newest["hold_reason"]) == (1, "4 rows, expected 1,000 to 20,000")
    assert (first["shares"], first["trades"], first["parsed"]) == (1234, 56, 10)
    assert [stage["stage"] for stage in first["stages"]] == ["INGESTED", "NORMALIZED", "AGGREGATED"]
    assert [stage["run"] for stage in first["stages"]] == [None] * 3  # "test" is no run of Airflow's


def test_a_capture_leads_to_its_run(airflow: Airflow, standalone: Deployment) -> None:
    run_id = airflow.trigger("finra.weekly_refresh", {"tier": "T1", "week_ending": "2024-03-12"}).json()["dag_run_id"]
    of_backfill = f"{run_id}:T1:2024-02-16"
    week = dt.date(2024, 2, 16)
    add_capture(standalone.storage, Tier.T1, week, run_id=run_id)
    add_capture(standalone.storage, Tier.T1, week, revision=1, run_id=of_backfill)
    cell = airflow.call("GET", f"/spine/api/v1/coverage/T1/{week}").json()
    runs = [stage["run"] for capture in cell["captures"] for stage in capture["stages"]]
    assert runs == [{"dag_id": "finra.weekly_refresh", "run_id": run_id}] * 6


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ("coverage?tier=T9", "unknown tier 'T9'"),
        ("coverage?weeks=0", "weeks: Input should be greater than or equal to 1 (got '0')"),
        ("coverage?start=2024-03-14", "did you mean 2024-03-15?"),
        ("coverage?weeks=2&start=2024-03-15", "either their number or the first one"),
        ("coverage/T1/2024-03-14", "did you mean 2024-03-15?"),
        ("coverage/T9/2024-03-15", "unknown tier 'T9'"),
    ],
)
def test_a_wrong_question_is_told_as_a_problem(airflow: Airflow, route: str, words: str) -> None:
    answer = airflow.call("GET", f"/spine/api/v1/{route}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    problem = answer.json()
    assert words in problem["detail"]
    assert (problem["status"], problem["category"], problem["type"]) == (
        400,
        "VALIDATION",
        "urn:spine:error:validation",
    )


def test_an_unknown_route_is_told_as_a_problem(airflow: Airflow) -> None:
    answer = airflow.call("GET", "/spine/api/v1/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_airflow_lists_the_console_in_its_navigation(airflow: Airflow) -> None:
    plugins = airflow.call("GET", "/api/v2/plugins").json()["plugins"]
    [console] = [plugin for plugin in plugins if plugin["name"] == "spine_console"]
    [view] = console["external_views"]
    assert (view["href"], view["destination"]) == ("spine/", "nav")
