"""FINRA's API in bad weather: its breaker opens, holds runs back, and closes when it is over; or a file is used instead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import ConfigurationError
from spine.core.retrying import RetryPolicy
from spine.finra.simulator import Fault, FaultKind
from spine.finra.synthetic import write_weeks
from spine.finra.tuning import Tuning
from spine.resilience.breakers import Breakers
from spine.storage.base import Storage
from spine.workflows.loader import load_workflow
from spine.workflows.runner import WorkflowRun
from tests.support.api_weeks import ASKED, Api, finra
from tests.support.finra import MARKET, NOW, WEEK
from tests.support.storage import WITHOUT_DB2
from tests.support.weekly import Weekly
from tests.support.workflows import write

pytestmark = [pytest.mark.integration, WITHOUT_DB2]
STORM = [Fault(FaultKind.SERVER_ERROR, times=10_000), Fault(FaultKind.RATE_LIMITED, times=10_000, seconds=7)]
# Patient: on a busy machine an answer may take its time, and then it is no time-out that opens the breaker.
AGAIN_ONCE = Tuning(page_rows=25, retry=RetryPolicy(attempts=2))


class Time:
    """A present that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture
def api() -> Iterator[Api]:
    with finra() as simulator:
        yield Api(simulator)


@pytest.fixture
def weekly(api: Api, upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    return replace(api.weekly(upgraded_storage, tmp_path, tuning=AGAIN_ONCE), clock=Time())  # type: ignore[arg-type]


def ingest(weekly: Weekly, **params: Any) -> WorkflowRun:
    """The first step alone, as a workflow."""
    text = """
        name: first.step
        domain: finra.otc_transparency
        params:
          tier: {type: string, default: T2}
          week_ending: {type: [string, "null"], default: null}
          source: {type: string, default: api}
          fallback: {type: [string, "null"], default: null}
        steps:
          - {name: ingest, type: pipeline, pipeline: finra.otc_transparency.ingest_week}
        """
    workflow = load_workflow(write(weekly.root / "flows", text), ())
    return weekly.attempt(workflow=workflow, **{**ASKED, **params})


def error_of(ended: WorkflowRun) -> dict[str, Any]:
    error = ended.to_dict()["error"]
    assert error, ended
    found: dict[str, Any] = error
    return found


@pytest.mark.parametrize("fault", STORM, ids=lambda fault: str(fault.kind))
def test_a_storm_opens_the_breaker_and_it_closes_when_it_is_over(api: Api, weekly: Weekly, fault: Fault) -> None:
    api.simulator.faults.add(fault)
    for _ in range(5):
        assert error_of(ingest(weekly))["category"] in ("TRANSIENT", "RATE_LIMIT")
    asked = len(api.simulator.journal.entries)
    error = error_of(ingest(weekly))
    assert (error["type"], error["category"], error["retry_after"]) == ("BreakerOpen", "DEPENDENCY", 30.0)
    assert error["context"]["week_ending"] == WEEK.isoformat()
    assert len(api.simulator.journal.entries) == asked, "FINRA was not asked"
    api.simulator.faults.clear()
    weekly.clock.wait(31)  # type: ignore[attr-defined]
    assert ingest(weekly).state == "success"
    weekly.clock.wait(1)  # type: ignore[attr-defined]
    assert ingest(weekly).state == "success"
    rows = weekly.storage.query(
        "SELECT state, severity FROM core_alerts WHERE cause LIKE 'breaker:%' ORDER BY raised_at"
    )
    assert rows.rows == [("FIRING", "ERROR"), ("RESOLVED", "ERROR")]


def test_a_week_that_finra_does_not_have_tells_nothing_against_it(weekly: Weekly) -> None:
    for _ in range(7):
        assert error_of(ingest(weekly, week_ending="2022-04-08"))["category"] == "SOURCE"
    assert Breakers(weekly.storage, weekly.clock).every() == []


def test_good_pulls_cost_one_read_and_no_write(weekly: Weekly) -> None:
    assert ingest(weekly).state == "success"
    assert Breakers(weekly.storage, weekly.clock).every() == []


def write_the_week(weekly: Weekly) -> None:
    write_weeks(weekly.root, market=MARKET, weeks=4, until=NOW.date())


@pytest.mark.parametrize("asked", [WEEK.isoformat(), None], ids=["a week", "the newest week"])
def test_a_file_is_used_where_finra_is_down(api: Api, weekly: Weekly, asked: str | None) -> None:
    write_the_week(weekly)
    api.simulator.faults.add(STORM[0])
    ended = ingest(weekly, fallback="file", week_ending=asked)
    assert ended.state == "success", ended.to_dict()
    receipt = ended.results["ingest"].to_dict()
    assert (receipt["source"], receipt["fallback_from"], receipt["week_ending"]) == ("file", "api", WEEK.isoformat())
    assert "answered 503" in receipt["fallback_reason"]
    [capture] = weekly.storage.query("SELECT source_type, source_name FROM core_captures").rows
    assert capture == ("file", receipt["source_name"])
    assert str(weekly.root) in receipt["source_name"]
    [manifest] = weekly.storage.query("SELECT metrics_json FROM core_manifest").rows
    assert '"fallback_from": "api"' in manifest[0]
    sql = "SELECT severity, cause, tier, workflow, step, capture_id FROM core_alerts"
    assert weekly.storage.query(sql).rows == [
        ("WARNING", "fallback:api", "T2", "first.step", "ingest", receipt["capture_id"])
    ]


def test_the_alert_of_a_fallback_is_over_when_the_source_is_back(api: Api, weekly: Weekly) -> None:
    write_the_week(weekly)
    api.simulator.faults.add(STORM[0])
    assert ingest(weekly, fallback="file").state == "success"
    api.simulator.faults.clear()
    for _ in range(2):
        weekly.clock.wait(31)  # type: ignore[attr-defined]
        assert ingest(weekly, fallback="file").state == "success"
    raised = weekly.storage.query("SELECT state, cause FROM core_alerts ORDER BY raised_at").rows
    assert raised == [("FIRING", "fallback:api"), ("RESOLVED", "fallback:api")]


def test_an_open_breaker_leads_to_the_file_at_once(api: Api, weekly: Weekly) -> None:
    write_the_week(weekly)
    name = f"finra:{api.simulator.url.partition('//')[2]}"
    Breakers(weekly.storage, weekly.clock).trip(name, by="ann")
    assert ingest(weekly, fallback="file").state == "success"
    assert api.simulator.journal.entries == ()


def test_without_a_file_either_finras_error_is_told(api: Api, weekly: Weekly) -> None:
    api.simulator.faults.add(STORM[0])
    error = error_of(ingest(weekly, fallback="file"))
    assert (error["category"], error["type"]) == ("TRANSIENT", "TransientError")
    assert "no file of T2 at all" in error["context"]["fallback"]


def test_a_week_that_finra_lacks_is_no_reason_for_a_file(weekly: Weekly) -> None:
    write_the_week(weekly)
    assert error_of(ingest(weekly, fallback="file", week_ending="2022-04-08"))["category"] == "SOURCE"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"fallback": "fil"}, "fallback 'fil' is not known; did you mean 'file'"),
        ({"fallback": "api"}, "fallback is 'api', which is the source itself"),
    ],
)
def test_a_fallback_that_is_none_is_refused(weekly: Weekly, params: dict[str, str], words: str) -> None:
    error = error_of(ingest(weekly, **params))
    assert error["type"] == ConfigurationError.__name__
    assert words in error["message"]
