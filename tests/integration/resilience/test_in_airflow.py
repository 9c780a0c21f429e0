"""The same in Airflow's tasks: letters after the last attempt alone, optional steps that end well, no secret anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from spine.resilience.dead_letters import LetterStatus, letters
from spine.storage.base import Storage
from spine.workflows.runner import run_workflow
from tests.support.dag_runs import DagsFolder
from tests.support.leaky import CANARIES
from tests.support.storage import open_upgraded
from tests.support.workflows import seen_contexts, settings_for, workflow_of

pytestmark = pytest.mark.integration
FLAKY = """
    name: flow
    domain: test.flow
    params: {tier: {type: string, default: T1}}
    steps:
      - {name: work, type: pipeline, pipeline: test.flaky, on_error: retry, retry: {max_attempts: 2, initial_delay: 0.01}}
      - {name: after, type: pipeline, pipeline: test.ok}
    """
LEAKY = """
    name: flow
    steps:
      - {name: one, type: lambda, handler: tests.support.leaky.leak, config: {as: error}, on_error: continue}
      - {name: two, type: lambda, handler: tests.support.leaky.leak, config: {as: cause}, on_error: continue}
      - {name: three, type: lambda, handler: tests.support.leaky.leak, config: {as: group}, on_error: continue}
      - {name: four, type: lambda, handler: tests.support.leaky.leak, config: {as: ours}}
    """


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """The domain database of Airflow's tasks."""
    path = tmp_path / "domain.db"
    monkeypatch.setenv("AIRFLOW_CONN_SPINE_DEFAULT", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    leaky = {"conn_type": "http", "host": "h.example", "password": CANARIES[0], "extra": {"api_key": CANARIES[1]}}
    monkeypatch.setenv("AIRFLOW_CONN_LEAKY", json.dumps(leaky))
    with open_upgraded(f"sqlite:///{path}") as storage:
        yield storage


def test_a_letter_is_written_when_no_attempt_is_left_and_resolved_by_the_next_success(
    dags_folder: DagsFolder, storage: Storage
) -> None:
    with seen_contexts(failures=1):
        assert dags_folder.run(FLAKY).state == "success"
    assert letters(storage) == []
    with seen_contexts(failures=2):
        failed = dags_folder.run(FLAKY)
    assert failed.tasks == {"work": "failed", "after": "upstream_failed"}
    [letter] = letters(storage)
    assert (letter.work.source_id, letter.work.partition, letter.work.domain) == ("flow/work", "T1:newest", "test.flow")
    assert (letter.run_id, letter.error["context"]["run_id"]) == (failed.run_id, failed.run_id)
    with seen_contexts():
        done = dags_folder.run(FLAKY)
    [resolved] = letters(storage, status=LetterStatus.RESOLVED)
    assert (resolved.dlq_id, resolved.resolved_by) == (letter.dlq_id, done.run_id)


def test_an_item_of_a_map_has_the_letter_that_the_other_runner_would_write(
    dags_folder: DagsFolder, storage: Storage, tmp_path: Path
) -> None:
    text = """
        name: flow
        params: {tiers: {type: array, default: [T1, T2]}}
        steps:
          - name: laid_out
            type: map
            items: [T1, T2]
            item: tier
            on_error: continue
            steps: [{name: work, type: pipeline, pipeline: test.fail}]
          - name: mapped
            type: map
            items: "${params.tiers}"
            item: tier
            steps: [{name: work, type: pipeline, pipeline: test.fail}]
        """
    assert dags_folder.run(text).state == "failed"
    found = {each.dlq_id: each.work.source_id for each in letters(storage)}
    assert sorted(found.values()) == [
        "flow/laid_out.T1.work", "flow/laid_out.T2.work", "flow/mapped.T1.work", "flow/mapped.T2.work",
    ]  # fmt: skip
    run_workflow(workflow_of(tmp_path / "here", text), {}, storage=storage, settings=settings_for(tmp_path))
    assert {each.dlq_id for each in letters(storage)} == set(found)


def test_an_optional_step_whose_dependency_is_down_lets_the_run_end_well_and_visible(
    dags_folder: DagsFolder, storage: Storage
) -> None:
    text = """
        name: flow
        steps:
          - name: optional
            type: lambda
            handler: tests.support.leaky.use_guarded
            config: {down: true}
            on_error: continue
          - {name: after, type: pipeline, pipeline: test.ok}
        """
    kinds = []
    for _ in range(2):
        ended = dags_folder.run(text)
        assert (ended.state, ended.tasks) == ("success", {"optional": "success", "after": "success"})
        receipt = ended.receipts["optional"]
        assert receipt["status"] == "failed_continue"
        kinds.append(receipt["error"]["type"])
    assert kinds == ["DependencyError", "BreakerOpen"]
    assert letters(storage) == []
    raised = storage.query("SELECT DISTINCT cause FROM core_alerts WHERE state = 'FIRING' ORDER BY cause").rows
    assert raised == [("breaker:http:optional.example",), ("step_passed_over",)]


def test_no_secret_of_an_error_is_in_logs_receipts_letters_or_alerts(
    dags_folder: DagsFolder, storage: Storage, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    ended = dags_folder.run(LEAKY)
    assert ended.tasks == {"one": "success", "two": "success", "three": "success", "four": "failed"}
    told = [json.dumps(ended.receipts), *capfd.readouterr(), caplog.text]
    for table in ("dead_letter_queue", "core_alerts", "circuit_breakers"):
        told.append(str(storage.query(f"SELECT * FROM {table}").rows))
    assert "the gateway cannot be reached" in told[0]
    assert "login ***" in "".join(told[1:4]), "the log was caught"
    assert [letter.work.source_id for letter in letters(storage)] == ["flow/four"]
    for canary in CANARIES:
        assert not any(canary in text for text in told), canary
