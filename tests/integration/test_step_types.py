"""Each type of step as Airflow runs it: the states of its tasks, and the receipts."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spine.core.tiers import Tier
from spine.core.weeks import newest_published
from spine.finra.simulator import running_simulator
from tests.support.dag_runs import DagRunEnd, DagsFolder, from_database
from tests.support.workflows import seen_contexts

pytestmark = [
    pytest.mark.integration,
    # Airflow's in-process API server imports starlette's test client.
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]
ECHO = "type: lambda, handler: tests.support.workflows.echo"


def states(end: DagRunEnd, *prefixes: str) -> dict[str, str]:
    return {name: state for name, state in end.tasks.items() if name.startswith(prefixes)}


ITEM_BY_ITEM = f"""
    name: flow
    steps:
      - {{name: before, {ECHO}, config: {{n: 3}}}}
      - name: tiers
        type: map
        items: [T1, "T 2", OTCE]
        item: tier
        steps:
          - {{name: load, {ECHO}, config: {{tier: "${{params.tier}}", n: "${{outputs.before.n}}"}}}}
          - {{name: odd, type: choice, condition: "params.tier == 'T1'", then_step: more, else_step: check}}
          - {{name: more, {ECHO}, config: {{got: "${{outputs.load.tier}}"}}}}
          - {{name: check, type: gate, checks: ["params.tier != 'OTCE'"], depends_on: [odd]}}
      - {{name: after, {ECHO}, config: {{failed: "${{outputs.tiers.failed}}"}}}}
    """


def test_known_items_are_laid_out_and_one_that_fails_stops_no_other(dags_folder: DagsFolder) -> None:
    end = dags_folder.run(ITEM_BY_ITEM)
    assert states(end, "tiers.OTCE.", "tiers.T_2.") == {
        "tiers.OTCE.load": "success", "tiers.OTCE.odd": "success",
        "tiers.OTCE.more": "skipped", "tiers.OTCE.check": "failed",
        "tiers.T_2.load": "success", "tiers.T_2.odd": "success",
        "tiers.T_2.more": "skipped", "tiers.T_2.check": "success",
    }  # fmt: skip
    assert (end.tasks["tiers.result"], end.tasks["after"], end.state) == ("failed", "upstream_failed", "failed")


def test_steps_of_an_item_read_its_own_outputs_and_those_around_the_map(dags_folder: DagsFolder) -> None:
    end = dags_folder.run(ITEM_BY_ITEM.replace("params.tier != 'OTCE'", "true"))
    assert end.state == "success"
    assert end.receipts["tiers.T_2.load"] == {"tier": "T 2", "n": 3, "status": "done"}
    assert end.receipts["tiers.T1.more"]["got"] == "T1"
    result = end.receipts["tiers.result"]
    assert (result["items"], result["failed"]) == (3, [])
    assert [(each["item"], list(each["steps"])) for each in result["results"]] == [
        ("T1", ["load", "odd", "more"]), ("T 2", ["load", "odd", "check"]), ("OTCE", ["load", "odd", "check"]),
    ]  # fmt: skip


MAPPED = f"""
    name: flow
    params: {{{{items: {{{{type: array, default: [1, 2, 3]}}}}}}}}
    steps:
      - {{{{name: before, {ECHO}, config: {{{{list: "${{{{params.items}}}}", n: 7}}}}}}}}
      - name: each
        type: map
        items: ${{{{outputs.before.list}}}}
        max_concurrency: 2
        on_error: {{on_error}}
        steps:
          - {{{{name: load, {ECHO}, config: {{{{n: "${{{{params.item + outputs.before.n}}}}"}}}}}}}}
          - {{{{name: check, type: gate, checks: ["params.item != 2"]}}}}
      - {{{{name: after, {ECHO}, config: {{{{failed: "${{{{outputs.each.failed}}}}"}}}}}}}}
    """


def test_items_that_a_run_finds_are_mapped(dags_folder: DagsFolder) -> None:
    end = dags_folder.run(MAPPED.format(on_error="continue"))
    assert states(end, "each.item[") == {
        "each.item[0]": "success", "each.item[1]": "failed", "each.item[2]": "success",
    }  # fmt: skip
    assert (end.tasks["each.result"], end.receipts["after"]["failed"], end.state) == ("success", [2], "success")
    result = end.receipts["each.result"]
    assert (result["status"], result["items"]) == ("failed_continue", 3)
    assert [each["steps"]["load"]["n"] for each in result["results"]] == [8, 9, 10]


def test_a_failed_item_fails_the_map_when_all_ended(dags_folder: DagsFolder) -> None:
    end = dags_folder.run(MAPPED.format(on_error="stop"))
    assert (end.tasks["each.item[2]"], end.tasks["each.result"], end.tasks["after"]) == (
        "success", "failed", "upstream_failed",
    )  # fmt: skip
    assert end.state == "failed"


def test_a_map_over_nothing_is_done(dags_folder: DagsFolder) -> None:
    end = dags_folder.run(MAPPED.format(on_error="stop"), {"items": []})
    assert (end.state, end.receipts["each.result"]["items"]) == ("success", 0)


def test_items_that_are_no_list_fail_the_map_itself(dags_folder: DagsFolder) -> None:
    flow = MAPPED.replace("type: array, default: [1, 2, 3]", "default: 5")
    assert dags_folder.run(flow.format(on_error="continue")).receipts["each.result"]["status"] == "failed_continue"
    end = dags_folder.run(flow.format(on_error="stop"))
    assert (end.tasks["each.result"], end.state) == ("failed", "failed")


NESTED = f"""
    name: flow
    steps:
      - name: outer
        type: map
        items: [a, b]
        steps:
          - {{{{name: first, {ECHO}, config: {{{{n: "${{{{params.item}}}}"}}}}}}}}
          - name: inner
            type: map
            items: [1, 2]
            item: number
            {{keys}}
            steps:
              - {{{{name: check, type: gate, checks: ["params.number == 1 or outputs.first.n == 'a'"]}}}}
    """


@pytest.mark.parametrize("keys", ["max_concurrency: 1", "on_error: continue", "pool: default_pool"])
def test_a_map_within_a_map(keys: str, dags_folder: DagsFolder) -> None:
    end = dags_folder.run(NESTED.format(keys=keys))
    passed_over = keys == "on_error: continue"
    assert states(end, "outer.a.inner.result", "outer.b.inner.result", "outer.result") == {
        "outer.a.inner.result": "success",
        "outer.b.inner.result": "success" if passed_over else "failed",
        "outer.result": "success" if passed_over else "failed",
    }
    assert end.state == ("success" if passed_over else "failed")


SKIPPED_MAP = f"""
    name: flow
    params: {{{{items: {{{{default: [a, b]}}}}}}}}
    steps:
      - {{{{name: way, type: choice, condition: "{{condition}}", then_step: tiers, else_step: last}}}}
      - {{{{name: tiers, type: map, items: {{items}}, steps: [{{{{name: one, {ECHO}}}}}]}}}}
      - {{{{name: last, {ECHO}}}}}
    """


@pytest.mark.parametrize("items", ["[a, b]", "'${params.items}'"])
@pytest.mark.parametrize(("condition", "state"), [("true", "success"), ("false", "skipped")])
def test_a_choice_skips_a_whole_map(items: str, condition: str, state: str, dags_folder: DagsFolder) -> None:
    end = dags_folder.run(SKIPPED_MAP.format(condition=condition, items=items))
    assert (end.tasks["tiers.result"], end.tasks["last"], end.state) == (state, "success", "success")


def test_a_choice_that_skips_still_leaves_its_receipt(dags_folder: DagsFolder) -> None:
    end = dags_folder.run(f"""
        name: flow
        params: {{n: {{type: integer, default: 2}}}}
        steps:
          - name: way
            type: choice
            cases: [{{when: params.n == 1, then: one}}, {{when: params.n == 2, then: two}}]
            else_step: other
          - {{name: one, {ECHO}, depends_on: [way]}}
          - {{name: two, {ECHO}, config: {{case: "${{outputs.way.case}}"}}, depends_on: [way]}}
          - {{name: other, {ECHO}, depends_on: [way]}}
        """)
    assert states(end, "one", "two", "other") == {"one": "skipped", "two": "success", "other": "skipped"}
    assert (end.receipts["two"]["case"], end.receipts["way"]["next_step"]) == (1, "two")


def test_waits_defer(dags_folder: DagsFolder) -> None:
    end = dags_folder.run(f"""
        name: flow
        steps:
          - {{name: soon, type: wait, duration: 1s}}
          - {{name: late, type: wait, duration: 1h, timeout: 5s, on_error: continue}}
          - {{name: past, type: wait, until: "2020-01-01T00:00"}}
          - {{name: after, {ECHO}, config: {{message: "${{outputs.late.message}}"}}}}
        """)
    assert (end.state, end.receipts["soon"]["status"], end.receipts["past"]["seconds"]) == ("success", "done", 0)
    assert "beyond its timeout of 5 s" in end.receipts["after"]["message"]


PUBLICATION = f"""
    name: flow
    params: {{{{week_ending: {{{{default: null}}}}}}}}
    steps:
      - {{{{name: out, type: wait, publication: T1, timeout: {{timeout}}, on_error: continue}}}}
      - {{{{name: after, {ECHO}, config: {{{{message: "${{{{outputs.out.message}}}}"}}}}}}}}
    """


@pytest.fixture
def finra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A FINRA that has every week by the real clock."""
    with running_simulator(weeks=2) as simulator:
        extra = {"token_url": simulator.token_url, "rate_limit_dir": str(tmp_path / "limits")}
        known = {
            "host": simulator.url,
            "login": simulator.options.client_id,
            "password": simulator.options.client_secret,
        }
        monkeypatch.setenv("AIRFLOW_CONN_FINRA_DEFAULT", json.dumps({"conn_type": "finra", **known, "extra": extra}))
        yield


@pytest.mark.usefixtures("finra")
def test_a_wait_for_a_publication_ends_when_finra_has_the_week(dags_folder: DagsFolder) -> None:
    end = dags_folder.run(PUBLICATION.format(timeout="1m"))
    newest = newest_published(Tier.T1, dt.datetime.now(dt.UTC))
    assert (end.receipts["out"]["tier"], end.receipts["out"]["week_ending"]) == ("T1", newest.isoformat())


@pytest.mark.usefixtures("finra")
def test_a_week_that_does_not_come_in_time_is_told(dags_folder: DagsFolder) -> None:
    week = newest_published(Tier.T1, dt.datetime.now(dt.UTC)) + dt.timedelta(weeks=2)
    end = dags_folder.run(PUBLICATION.format(timeout="0.5"), {"week_ending": week.isoformat()})
    receipt = end.receipts["out"]
    assert (receipt["status"], receipt["error"]["category"]) == ("failed_continue", "TIMEOUT")
    assert end.receipts["after"]["message"] == f"FINRA did not have the week ending {week} of T1 within 0.5 s"


def asset_events(end: DagRunEnd) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    from airflow.models.asset import AssetEvent, AssetModel

    def ask(session: Any) -> list[Any]:
        rows = session.query(AssetModel, AssetEvent).filter(
            AssetEvent.asset_id == AssetModel.id, AssetEvent.source_run_id == end.run_id
        )
        return sorted((asset.name, asset.uri, event.partition_key, event.extra) for asset, event in rows)

    return list(from_database(ask))


def test_success_updates_assets_and_a_failure_that_is_passed_over_does_not(dags_folder: DagsFolder) -> None:
    end = dags_folder.run(f"""
        name: flow
        params: {{week_ending: {{default: null}}}}
        steps:
          - {{name: a, {ECHO}, config: {{rows: 5, text: x, flag: true}}, produces: [finra.venue_volume, other]}}
          - {{name: b, type: pipeline, pipeline: test.unchanged, produces: [finra.unchanged]}}
          - {{name: c, type: pipeline, pipeline: test.fail, on_error: continue, produces: [finra.failed]}}
        """, {"week_ending": "2026-10-30"})  # fmt: skip
    assert end.state == "success"
    assert asset_events(end) == [
        ("finra.venue_volume", "spine://finra.venue_volume/", "2026-10-30", {"rows": 5}),
        ("other", "spine://other/", "2026-10-30", {"rows": 5}),
    ]


def test_a_workflow_step_runs_another_workflow_in_its_task(dags_folder: DagsFolder) -> None:
    dags_folder.add(f"name: inner\nsteps: [{{name: one, {ECHO}, config: {{n: 4}}}}]", "inner")
    with seen_contexts():
        end = dags_folder.run(f"""
            name: flow
            steps:
              - {{name: call, type: workflow, workflow: inner}}
              - {{name: after, {ECHO}, config: {{n: "${{outputs.call.steps.one.n}}"}}}}
            """)
    assert (end.state, end.receipts["after"]["n"]) == ("success", 4)


def test_a_message_is_sent(dags_folder: DagsFolder) -> None:
    end = dags_folder.run("name: flow\nsteps: [{name: tell, type: notify, message: done, channel: '#x'}]")
    assert end.receipts["tell"]["text"] == "done"
