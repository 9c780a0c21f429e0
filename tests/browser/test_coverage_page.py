"""The first page of the console as people use it: in a browser, by mouse and by keyboard, inside Airflow and alone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from spine.core.tiers import Tier
from spine.core.weeks import window
from tests.support.browser import logged_in_page
from tests.support.ledger import ALL, THREE, add_capture
from tests.support.standalone import Airflow, Deployment

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
# Weeks that no other test of the shared Airflow touches.
FRIDAY = dt.date(2023, 6, 16)
ADDRESS = f"/spine/?weeks=6&end={FRIDAY}"


@pytest.fixture(scope="module")
def airflow(browser: Browser, standalone: Deployment) -> Airflow:
    """With six weeks of T1, of which one is restated, one held and one half done; T2 and OTCE are missing."""
    storage = standalone.storage
    run = standalone.airflow.trigger("finra.weekly_refresh", {"tier": "T1", "week_ending": "2023-06-13"})
    weeks = window(FRIDAY, 6)
    for number, week in enumerate(weeks):
        stages = ALL if week == FRIDAY else THREE  # only the last has a window to roll over
        add_capture(storage, Tier.T1, week, stages, rows=4800 + number, run_id=run.json()["dag_run_id"])
    add_capture(storage, Tier.T1, weeks[1], rows=4900, revision=1)
    add_capture(storage, Tier.T1, weeks[2], ALL[:1], rows=4, revision=1, held="4 rows, expected 1,000 to 100,000")
    add_capture(storage, Tier.T1, weeks[3], ALL[:1], revision=1)
    return standalone.airflow


@pytest.fixture
def page(browser: Browser, airflow: Airflow) -> Iterator[Page]:
    with logged_in_page(browser, airflow) as page:
        page.goto(airflow.url + ADDRESS)
        yield page


def _cell(page: Page, name: str) -> str:
    """What a cell says to someone who does not see it."""
    return page.get_by_role("link", name=name).get_attribute("aria-label") or ""


def test_every_week_and_tier_has_a_cell_that_speaks(page: Page) -> None:
    table = page.get_by_role("table", name="Coverage, weeks by tiers")
    expect(table.get_by_role("columnheader")).to_have_count(4)
    expect(table.get_by_role("rowheader")).to_have_count(6)
    expect(table.get_by_role("link")).to_have_count(18)
    assert _cell(page, "T1, 12 May 2023") == "T1, 12 May 2023: Complete, 4,800 rows"
    assert _cell(page, "T1, 19 May 2023") == "T1, 19 May 2023: Complete, 4,900 rows, 2 captures"
    assert _cell(page, "T1, 26 May 2023").startswith("T1, 26 May 2023: Held")
    assert _cell(page, "T1, 2 Jun 2023").startswith("T1, 2 Jun 2023: Partial")
    assert _cell(page, "T2, 16 Jun 2023") == "T2, 16 Jun 2023: Missing"


def test_the_legend_names_every_state_and_counts_it(page: Page) -> None:
    legend = page.get_by_label("Legend, with the number of cells in each state")
    for text in ("Complete 4", "Partial 1", "Held 1", "Missing 12", "Late at FINRA 0", "Due 0", "Not due 0"):
        expect(legend.get_by_role("listitem").filter(has_text=re.compile(text + r"\b"))).to_have_count(1)


def test_a_cell_opens_beside_the_matrix_and_closes_again(page: Page) -> None:
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="T1, 26 May 2023").click()
    expect(page.get_by_role("heading", name="T1, week ending 26 May 2023")).to_be_visible()
    expect(page.get_by_text("4 rows, expected 1,000 to 100,000")).to_be_visible()
    expect(page.get_by_role("region", name="Capture 1 of 2").get_by_text("1,234")).to_be_visible()
    assert "cell=T1%3A2023-05-26" in page.url
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="To do")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="T1, week ending 26 May 2023")).to_be_visible()
    assert page.evaluate("window.sameDocument") is True


def test_arrow_keys_move_from_cell_to_cell_and_enter_opens(page: Page) -> None:
    page.get_by_role("link", name="T1, 16 Jun 2023").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="T2, 9 Jun 2023")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="T2, week ending 9 Jun 2023")).to_be_visible()
    expect(page.locator("#detail code").first).to_have_text(
        "airflow spine run finra.weekly_refresh -p tier=T2 -p week_ending=2023-06-09"
    )


def test_it_works_without_scripts(browser: Browser, airflow: Airflow) -> None:
    with logged_in_page(browser, airflow, java_script_enabled=False) as page:
        page.goto(airflow.url + ADDRESS)
        page.get_by_role("link", name="T1, 16 Jun 2023").click()
        expect(page.get_by_role("heading", name="T1, week ending 16 Jun 2023")).to_be_visible()


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_refused(browser: Browser, airflow: Airflow) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    with logged_in_page(browser, airflow) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(airflow.url + ADDRESS)
        page.get_by_role("link", name="T1, 16 Jun 2023").click()
        expect(page.get_by_role("heading", name="T1, week ending 16 Jun 2023")).to_be_visible()
    assert len(asked) >= 4
    assert [url for url in asked if not url.startswith(f"{airflow.url}/spine/")] == []
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_drawn_in_light_and_in_dark(browser: Browser, airflow: Airflow, scheme: str, tmp_path: Path) -> None:
    with logged_in_page(browser, airflow, color_scheme=scheme) as page:
        page.goto(airflow.url + ADDRESS)
        picture = page.screenshot(path=tmp_path / f"coverage-{scheme}.png")
        brightness = page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"
        )
        tints = page.evaluate("[...document.querySelectorAll('.cell')].map(e => getComputedStyle(e).backgroundColor)")
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert picture.startswith(b"\x89PNG")
    assert (brightness > 600) == (scheme == "light")
    assert len(set(tints)) == 4  # complete, partial, held, missing
    assert not wide


def test_in_airflow_it_is_in_the_navigation_and_its_runs_open_there(browser: Browser, airflow: Airflow) -> None:
    with logged_in_page(browser, airflow) as page:
        page.goto(airflow.url)
        page.get_by_role("button", name="Browse").click()
        page.get_by_role("menuitem", name="Spine Console").click()
        frame = page.frame_locator("iframe")
        expect(frame.get_by_role("heading", name="Coverage")).to_be_visible()
        page.goto(f"{airflow.url}/plugin/spine-console{ADDRESS}")
        frame.get_by_role("link", name="T1, 16 Jun 2023").click()
        frame.locator("#detail a[data-airflow]").first.click()
        page.wait_for_url(re.compile(r"/dags/finra\.weekly_refresh/runs/"))
