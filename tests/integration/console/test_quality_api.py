"""Scores, anomalies, gates and decisions in the console: as JSON and as pages, and what a decision changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spine.core.tiers import Tier
from spine.quality.assessment.assess import Scope, assess
from spine.quality.assessment.stored import save
from spine.storage.base import Storage
from tests.support.console import Call
from tests.support.gated_weeks import LAST, Judged, judge, lines_of, load_history
from tests.support.weekly import PREFIX, Weekly, file_of, line

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]
SUITE = "finra_otc_transparency.ingested"
WEEK = f"tier=OTCE&week_ending={LAST}"


@pytest.fixture
def weekly(storage: Storage, tmp_path: Path) -> Weekly:
    known = Weekly(storage, tmp_path)
    load_history(known, 8)
    return known


@pytest.fixture
def good(weekly: Weekly) -> Judged:
    return judge(weekly, file_of(*lines_of(LAST), line("", "VENA", 1, 1, updated="2025-12-15")))


@pytest.fixture
def held(weekly: Weekly) -> Judged:
    return judge(weekly, file_of(*lines_of(LAST, times=2.2)))


def assessed(weekly: Weekly) -> None:
    scope = Scope(tiers=(Tier.OTCE,), first=LAST, last=LAST, symbols=True)
    save(weekly.context(), assess(weekly.context(), scope))


def test_scores_results_and_rejects_are_read(call: Call, weekly: Weekly, good: Judged) -> None:
    assessed(weekly)
    [week] = call("viewer", "GET", "/api/v1/quality/scores?tier=OTCE").json()["scores"]
    assert (week["week_ending"], week["grade"], week["capture_id"]) == (str(LAST), "A", good.capture_id)
    [symbol] = call("viewer", "GET", "/api/v1/quality/scores?symbol=S03").json()["scores"]
    assert (symbol["symbol"], symbol["score"]) == ("S03", 100.0)
    results = call("viewer", "GET", f"/api/v1/quality/results?{WEEK}").json()["results"]
    assert {each["check_name"].partition(":")[2] for each in results} == set(good.statuses)
    usual = next(each for each in results if each["check_name"].endswith("shares_as_usual"))
    assert len(usual["baseline"]["weeks"]) == 8 and usual["expected_value"]
    assert call("viewer", "GET", f"/api/v1/quality/results?{WEEK}&failed_only=true").json() == {"results": []}
    [reject] = call("viewer", "GET", f"/api/v1/rejects?{WEEK}").json()["rejects"]
    assert (reject["reason_code"], reject["capture_id"]) == ("EMPTY_SYMBOL", good.capture_id)
    [reason] = call("viewer", "GET", "/api/v1/rejects/reasons?reason=EMPTY_SYMBOL").json()["reasons"]
    assert (reason["row_count"], reason["tier"]) == (1, "OTCE")
    assert call("viewer", "GET", "/api/v1/rejects?tier=T9").status_code == 400
    assert call("viewer", "GET", "/api/v1/quality/results?week_ending=2025-11-13").status_code == 400


def test_a_held_capture_is_approved_by_who_is_logged_in(call: Call, weekly: Weekly, held: Judged) -> None:
    [anomaly] = [
        each
        for each in call("viewer", "GET", f"/api/v1/quality/anomalies?{WEEK}").json()["anomalies"]
        if "typical_volume" in each["message"]
    ]
    assert (anomaly["severity"], anomaly["state"], anomaly["capture_id"]) == ("ERROR", "open", held.capture_id)
    path = f"/api/v1/quality/captures/{held.capture_id}"
    assert call("user", "POST", f"{path}/approve", json={"reason": "index day"}).status_code == 403
    assert call("op", "POST", f"{path}/approve", json={"reason": " "}).status_code == 400
    decided = call("op", "POST", f"{path}/approve", json={"reason": "index day"}).json()
    assert (decided["decision"], decided["by"], decided["reason"]) == ("approve", "a op", "index day")
    assert call("viewer", "GET", f"{path}/decisions").json() == {"decisions": [decided]}
    assert call("viewer", "GET", f"/api/v1/quality/anomalies?{WEEK}").json() == {"anomalies": []}
    again = judge(weekly, file_of(*lines_of(LAST, times=2.2)))
    assert (again.run.state, again.held) == ("success", None)
    assert call("op", "POST", f"{path}/hold", json={"reason": "on second thought"}).json()["decision"] == "hold"
    assert call("op", "POST", f"{path}/reject", json={"reason": "no"}).json()["decision"] == "reject"
    assert call("op", "POST", "/api/v1/quality/captures/none/hold", json={"reason": "x"}).status_code == 400


def test_an_anomaly_is_acknowledged_and_resolved(call: Call, weekly: Weekly, good: Judged) -> None:
    weekly.storage.execute(f"UPDATE {PREFIX}_venue_share SET rank = rank + 1 WHERE week_ending = '{LAST}'")
    assessed(weekly)
    [found] = call("viewer", "GET", "/api/v1/quality/anomalies").json()["anomalies"]
    path = f"/api/v1/quality/anomalies/{found['anomaly_id']}"
    assert call("op", "POST", f"{path}/acknowledge", json={"reason": "looking"}).json()["state"] == "acknowledged"
    assert call("op", "POST", f"{path}/resolve", json={"reason": "known"}).json()["state"] == "resolved"
    assert call("viewer", "GET", "/api/v1/quality/anomalies").json() == {"anomalies": []}
    [settled] = call("viewer", "GET", "/api/v1/quality/anomalies?settled=true").json()["anomalies"]
    assert (settled["settled_by"], settled["settled_note"]) == ("a op", "known")
    assert call("op", "POST", f"{path}/resolve", json={"reason": "twice"}).status_code == 400


def test_a_week_that_is_not_ready_cannot_be_certified(call: Call, good: Judged) -> None:
    [*_, oldest] = call("viewer", "GET", "/api/v1/quality/readiness?tier=OTCE&weeks=60").json()["weeks"]
    assert oldest["state"] in ("not available", "blocked")
    path = f"/api/v1/quality/readiness/OTCE/{LAST}/certify"
    answer = call("op", "POST", path, json={"purpose": "trading", "reason": "month end"})
    assert answer.status_code == 400 and "tier T1 of the week is missing" in answer.json()["detail"]


def test_the_pages_show_grades_and_what_a_gate_said(call: Call, weekly: Weekly, held: Judged) -> None:
    assert "Nothing is assessed yet" in call("viewer", "GET", "/quality?weeks=2").text
    assessed(weekly)
    page = call("viewer", "GET", f"/quality?weeks=3&end={LAST}&tier=OTCE")
    assert page.status_code == 200 and "grade-F" in page.text and "shares_as_usual" in page.text
    gates = call("viewer", "GET", f"/gates?run_id={held.run.run_id}&suite={SUITE}")
    assert gates.status_code == 200 and "HOLD" in gates.text and "+120% for the typical one" in gates.text
    [link] = re.findall(r'href="(gates/page[^"]*)"', gates.text)
    its = call("viewer", "GET", f"/{link.replace('&amp;', '&')}")
    assert its.status_code == 200 and "shares_as_usual: 227,478 to" in its.text
    assert not re.search(r"https?://|<script|<link", its.text), "it fetches nothing"
    assert call("viewer", "GET", "/gates").status_code == 400
    assert "No gate has said anything here" in call("viewer", "GET", "/gates?run_id=none").text
    assert call("viewer", "GET", "/gates/page?capture_id=none&suite=none").status_code == 404


def test_each_series_has_its_page(call: Call, weekly: Weekly, good: Judged) -> None:
    other, range_ = "OTC_W_SMBL_FIRM", f"weeks=3&end={LAST}&tier=OTCE"
    assessed(weekly)
    assert other not in call("viewer", "GET", f"/quality?{range_}").text, "one series needs no choice"
    path = weekly.write(file_of(*lines_of(LAST)), "other.psv")
    weekly.load(tier="OTCE", week_ending=LAST.isoformat(), file_path=path, summary_type=other)
    page = call("viewer", "GET", f"/quality?{range_}").text
    assert f'href="quality?summary_type={other}' in page and "grade-A" in page
    assert "grade-A" not in call("viewer", "GET", f"/quality?{range_}&summary_type={other}").text
    assert call("viewer", "GET", f"/quality?{range_}&summary_type=ATS").status_code == 400
    path = f"/api/v1/quality/readiness?tier=OTCE&weeks=60&summary_type={other}"
    there = [each for each in call("viewer", "GET", path).json()["weeks"] if each["capture_id"]]
    assert [(each["week_ending"], each["summary_type"]) for each in there] == [(str(LAST), other)]
