"""The gateway's bonds, by a workflow that is YAML and SQL only: from the simulator, and from gateways that go wrong."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from spine.core.settings import Settings
from spine.finra.simulator import running_simulator
from spine.pipelines.connections import ConnectionDetails
from spine.storage.base import Storage
from spine.workflows.loader import load_workflow
from spine.workflows.runner import WorkflowRun, run_workflow
from tests.support.connections import GivenConnections
from tests.support.finra import MARKET
from tests.support.http_server import Answer, Reply, json_reply, serving
from tests.support.paths import ROOT

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 5, 15, 12, tzinfo=dt.UTC)
KEY = "s3cret"
ROW: dict[str, Any] = {
    "cusip": "000000AA0", "symbol": "AA", "issuerName": "Nobody", "totalVolume": 1000, "customerVolume": 10,
    "tradeCount": 2, "avgPrice": 99.5,
}  # fmt: skip


def run(storage: Storage, folder: Path, url: str, **params: Any) -> WorkflowRun:
    gateway = ConnectionDetails("bond_gateway", "http", host=url, extra={"api_key": KEY})
    return run_workflow(
        load_workflow(ROOT / "include/workflows/finra_bond_trade_activity.yaml"),
        params,
        storage=storage,
        settings=Settings(include_dir=ROOT / "include", file_root=folder),
        clock=lambda: NOW,
        connections=GivenConnections(gateway),
        sleep=lambda seconds: None,
    )


def against(answer: Answer, storage: Storage, folder: Path, **params: Any) -> WorkflowRun:
    with serving(answer) as server:
        return run(storage, folder, server.url, tier="T1", week_ending="2026-04-10", **params)


def states(ended: WorkflowRun) -> dict[str, str]:
    return {name: str(step.state) for name, step in ended.steps.items()}


@pytest.mark.parametrize(("tier", "canonical"), [("T1", "T1"), ("NMS_TIER_2", "T2"), ("T3", "OTCE")])
def test_the_newest_week_of_a_tier(upgraded_storage: Storage, tmp_path: Path, tier: str, canonical: str) -> None:
    with running_simulator(market=MARKET, now=NOW, gateway_key=KEY) as simulator:
        first = run(upgraded_storage, tmp_path, simulator.url, tier=tier)
        again = run(upgraded_storage, tmp_path, simulator.url, tier=tier)
    assert set(states(first).values()) == {"success"} == set(states(again).values())
    loaded = first.results["load"].output
    assert (loaded["inserted"], loaded["rejected"], loaded["empty_columns"]) == (60, 0, [])
    assert again.results["load"].output["unchanged"] == 60
    found = upgraded_storage.query(
        "SELECT tier, source, COUNT(*) AS bonds, COUNT(DISTINCT cusip) AS cusips, MIN(trade_count) AS trades "
        "FROM fact_bond_trade_activity GROUP BY tier, source"
    ).first
    assert found is not None and found.pop("trades") > 0
    assert found == {"tier": canonical, "source": "FINRA_OTC", "bonds": 60, "cusips": 60}


def test_a_wrong_key_is_told_once(upgraded_storage: Storage, tmp_path: Path) -> None:
    with running_simulator(market=MARKET, now=NOW, gateway_key="another") as simulator:
        ended = run(upgraded_storage, tmp_path, simulator.url)
    error = ended.results["load"].error
    assert error is not None and error["category"] == "PERMISSION" and KEY not in str(error)
    assert ended.steps["load"].attempts == 1


def test_few_records_fail_the_run(upgraded_storage: Storage, tmp_path: Path) -> None:
    ended = against(lambda _: json_reply({"results": [ROW]}), upgraded_storage, tmp_path)
    assert states(ended) == {
        "week": "success",
        "load": "success",
        "quality_check": "failed",
        "notify": "upstream_failed",
    }
    assert "1 rows, expected at least 50" in ended.results["quality_check"].message
    kept = upgraded_storage.query("SELECT check_name, status FROM core_quality ORDER BY check_name").rows
    assert kept == [("not_null_cusip", "PASS"), ("row_count", "FAIL")]


@pytest.mark.parametrize("missing", [{"cusip": None}, {"cusip": " "}, {"cusip": None, "CUSIP": ""}])
def test_a_record_without_cusip_fails_the_run(
    upgraded_storage: Storage, tmp_path: Path, missing: dict[str, Any]
) -> None:
    answer = json_reply({"results": [ROW, {**ROW, **missing}]})
    ended = against(lambda _: answer, upgraded_storage, tmp_path, min_records=1)
    assert states(ended)["quality_check"] == "failed"
    assert "1 rows without cusip" in ended.results["quality_check"].message


def test_the_other_spelling_of_cusip(upgraded_storage: Storage, tmp_path: Path) -> None:
    other = {"CUSIP" if name == "cusip" else name: value for name, value in ROW.items()}
    ended = against(lambda _: json_reply({"results": [other]}), upgraded_storage, tmp_path, min_records=1)
    assert ended.results["load"].output["inserted"] == 1 and str(ended.state) == "success"


def test_an_unchanged_answer_is_checked_all_the_same(upgraded_storage: Storage, tmp_path: Path) -> None:
    def answer(asked: Any) -> Reply:
        known = asked.headers.get("if-none-match") == '"1"'
        return Reply(status=304) if known else json_reply({"results": [ROW]}, ETag='"1"')

    against(answer, upgraded_storage, tmp_path, min_records=1)
    again = against(answer, upgraded_storage, tmp_path, min_records=2)
    assert str(again.results["load"].status) == "unchanged"
    assert states(again)["quality_check"] == "failed"


def test_a_week_that_is_not_out_yet(upgraded_storage: Storage, tmp_path: Path) -> None:
    with serving(lambda _: json_reply({"results": []})) as server:
        ended = run(upgraded_storage, tmp_path, server.url, tier="T1", week_ending="2026-05-08")
        assert states(ended)["week"] == "failed" and server.asked == []
