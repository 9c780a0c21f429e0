"""The form behind Airflow's Trigger button, as a person meets it: choices, a date, a switch, and a run that follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import logged_in_page
from tests.support.standalone import Deployment

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.timeout(600)]
DAG_ID = "finra.weekly_refresh"


def test_the_form_offers_choices_a_date_and_a_switch_and_starts_a_run(browser: Browser, standalone: Deployment) -> None:
    airflow = standalone.airflow
    with logged_in_page(browser, airflow) as page:
        page.goto(f"{airflow.url}/dags/{DAG_ID}")
        page.get_by_role("button", name="Trigger").first.click()
        form = page.get_by_role("dialog")
        expect(form.locator("[name=element_tier]")).to_have_value("OTCE")
        expect(form.locator("[name=element_week_ending]")).to_have_attribute("type", "date")
        expect(form.locator("[name=element_force]")).to_have_attribute("type", "checkbox")
        expect(form.locator("[name=element_window_weeks]")).to_have_attribute("aria-valuemax", "52")
        form.get_by_role("combobox").first.click()
        expect(page.get_by_role("option").first).to_contain_text("T1: NMS stocks")
        page.get_by_role("option").first.click()
        form.locator("[name=element_week_ending]").fill("2023-06-20")  # a Tuesday
        form.get_by_test_id("trigger-dag-submit").click()
        runs = airflow.until(
            lambda: airflow.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns?limit=100").json()["dag_runs"],
            lambda runs: any(
                run["conf"].get("week_ending") == "2023-06-20" and run["conf"]["tier"] == "T1" for run in runs
            ),
        )
    (run,) = [run for run in runs if run["conf"].get("week_ending") == "2023-06-20" and "force" in run["conf"]]
    assert airflow.finished(DAG_ID, run["dag_run_id"])["tasks"]["ingest"] == "failed"
