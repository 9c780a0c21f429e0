"""Work that failed for good: written once, done again, resolved by itself or by a person."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import (
    ConfigurationError,
    DependencyError,
    LeaseHeld,
    SpineError,
    TransientError,
    ValidationError,
)
from spine.pipelines.connections import NoConnections
from spine.resilience.dead_letters import (
    LetterStatus,
    backoff,
    letter_by_prefix,
    letters,
    record_failure,
    resolve_letter,
)
from spine.resilience.work import SourceType, Work, failed_step
from spine.storage.base import Storage
from spine.storage.leases import lease
from spine.workflows.again import retry_letter, trigger_letter
from tests.support.letters import FLOW, NOON, Place
from tests.support.workflows import seen_contexts, workflow_of, write

pytestmark = pytest.mark.integration


@pytest.fixture
def place(upgraded_storage: Storage, tmp_path: Path) -> Place:
    return Place(upgraded_storage, tmp_path)


def test_a_failure_that_is_tried_again_and_goes_well_leaves_none(place: Place) -> None:
    assert place.run(failures=1).state == "success"
    assert letters(place.storage) == []


def test_work_that_used_up_its_retries_is_written_down_with_what_it_takes_to_run_it_again(place: Place) -> None:
    ended = place.run(failures=2, tier="T2", week_ending="2026-04-10")
    letter = place.only
    assert (letter.work.source_type, letter.work.source_id) == (SourceType.STEP, "flow/work")
    assert (letter.work.partition, letter.work.domain) == ("T2:2026-04-10", "test.flow")
    assert letter.work.payload == {
        "workflow": "flow",
        "step": "work",
        "params": {"tier": "T2", "week_ending": "2026-04-10", "api_token": None},
        "withheld": [],
    }
    assert (letter.status, letter.retry_count, letter.max_retries) == (LetterStatus.PENDING, 0, 3)
    assert (letter.first_failed_at, letter.next_retry_at) == (NOON, NOON + dt.timedelta(seconds=30))
    error = letter.error
    assert (error["type"], error["category"], error["message"]) == ("TransientError", "TRANSIENT", "try again")
    assert {**error["context"]} | {"at": ""} == {
        "workflow": "flow", "step": "work", "run_id": ended.run_id, "tier": "T2", "week_ending": "2026-04-10", "at": "",
    }  # fmt: skip
    assert ended.to_dict()["error"]["context"]["dead_letter"] == letter.dlq_id
    assert place.alerts() == [], "it is still tried again by itself"
    assert json.loads(json.dumps(letter.to_dict()))["status"] == "pending"


def test_the_same_work_that_fails_again_is_the_same_letter(place: Place) -> None:
    for number in range(3):
        place.run(failures=2)
        assert place.only.retry_count == number
    assert place.only.next_retry_at == NOON + dt.timedelta(seconds=120)
    place.run(failures=2, tier="T2")
    assert len(letters(place.storage)) == 2


def test_a_later_success_resolves_it_whoever_ran_it(place: Place) -> None:
    place.run(failures=2)
    ended = place.run()
    letter = place.only
    assert (letter.status, letter.resolved_by) == (LetterStatus.RESOLVED, ended.run_id)
    assert letters(place.storage) == []
    assert letters(place.storage, status=LetterStatus.RESOLVED) == [letter]
    assert place.alerts() == []


def test_due_letters_are_retried_until_their_retries_are_used_up_and_a_person_is_told(place: Place) -> None:
    place.run(failures=2, tier="OTCE")
    assert place.retry_due(failures=2) == [], "not yet"
    waits = []
    for _ in range(3):
        letter = place.only
        assert letter.next_retry_at is not None
        waits.append((letter.next_retry_at - place.now).total_seconds())
        place.now = letter.next_retry_at
        assert len(place.retry_due(failures=2)) == 1
    assert waits == [30, 60, 120]
    letter = place.only
    assert (letter.status, letter.retry_count, letter.next_retry_at) == (LetterStatus.EXHAUSTED, 3, None)
    assert place.alerts() == [("FIRING", "WARNING", "dead_letter", "flow", "work", "OTCE", "test.flow")]
    place.wait(9999)
    assert place.retry_due() == []

    done = place.retry(letter.dlq_id)
    assert (done.status, done.resolution) == (LetterStatus.RESOLVED, f"done by run {done.resolved_by}")
    assert [state for state, *_ in place.alerts()] == ["FIRING", "RESOLVED"]
    assert len(place.storage.query("SELECT DISTINCT fingerprint FROM core_alerts").rows) == 1


def test_waits_grow_to_an_hour() -> None:
    assert [backoff(number) for number in range(9)] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_what_cannot_get_better_by_itself_waits_for_a_person(place: Place) -> None:
    place.flow = FLOW.replace("test.flaky", "test.fail")
    place.__post_init__()
    place.run()
    assert (place.only.status, place.only.retry_count) == (LetterStatus.EXHAUSTED, 0)
    assert place.alerts() == [("FIRING", "ERROR", "dead_letter", "flow", "work", "T1", "test.flow")]
    place.run()
    assert len(place.alerts()) == 1, "known already"
    resolve_letter(place.storage, place.only.dlq_id, by="ann", reason="the source is gone", now=place.now)
    assert (place.only.resolved_by, place.only.resolution) == ("ann", "the source is gone")
    place.run()
    assert (place.only.status, place.only.resolved_by) == (LetterStatus.EXHAUSTED, None)


def test_a_failure_that_is_passed_over_and_one_of_nobodys_work_leave_none(place: Place) -> None:
    place.flow = """
        name: flow
        steps:
          - {name: optional, type: pipeline, pipeline: test.fail, on_error: continue}
          - {name: person, type: approval, subject: Go on?, timeout: 5m}
        """
    place.__post_init__()
    assert place.run().state == "failed"
    assert letters(place.storage) == []


def test_a_gate_that_closed_leaves_none(place: Place) -> None:
    place.flow = """
        name: flow
        steps:
          - {name: work, type: pipeline, pipeline: test.ok}
          - {name: gate, type: gate, checks: [{check: outputs.work.rows > 100}]}
        """
    place.__post_init__()
    assert place.run().state == "failed"
    assert letters(place.storage) == []


def test_of_a_map_each_item_has_its_own(place: Place) -> None:
    place.flow = """
        name: flow
        steps:
          - name: tiers
            type: map
            items: [T1, T2]
            item: tier
            steps: [{name: work, type: pipeline, pipeline: test.flaky}]
        """
    place.__post_init__()
    place.run(failures=2)
    found = sorted((each.work.source_id, each.work.partition) for each in letters(place.storage))
    assert found == [("flow/tiers.T1.work", "T1:newest"), ("flow/tiers.T2.work", "T2:newest")]
    place.wait(30)
    assert {each.status for each in place.retry_due()} == {LetterStatus.RESOLVED}


def test_a_workflow_that_was_called_has_the_letter_and_its_caller_none(place: Place) -> None:
    caller = "name: caller\nparams: {tier: {default: T2}}\nsteps: [{name: call, type: workflow, workflow: flow}]"
    write(place.folder / "workflows", caller, "caller.yaml")
    place.workflow = workflow_of(place.folder / "elsewhere", caller)
    assert place.run(failures=2).state == "failed"
    assert (place.only.work.source_id, place.only.work.partition) == ("flow/work", "T2:newest")


def test_a_retry_runs_the_workflow_of_then_with_the_params_of_then(place: Place) -> None:
    place.run(failures=2, tier="T2", week_ending="2026-04-10")
    with seen_contexts() as seen:
        retry_letter(place.storage, place.settings, NoConnections(), place.only.dlq_id, clock=lambda: place.now)
    assert {(each.params["tier"], each.params["week_ending"]) for each in seen} == {("T2", "2026-04-10")}
    assert seen[0].run_id.startswith(f"dead_letter__{place.only.dlq_id[:12]}__1__")


def test_a_run_for_the_newest_week_is_pinned_to_the_week_that_failed() -> None:
    error = DependencyError("no answer", context={"tier": "T1", "week_ending": dt.date(2026, 4, 10)})
    work = failed_step("flow", "ingest", {"tier": "NMS_TIER_1", "week_ending": None}, error)
    assert work.partition == "T1:2026-04-10"
    assert work.payload["params"] == {"tier": "T1", "week_ending": "2026-04-10"}


def test_secrets_and_rows_are_not_kept_and_such_work_is_run_by_hand(place: Place) -> None:
    place.run(failures=2, api_token="the-canary")
    text = str(place.storage.query("SELECT * FROM dead_letter_queue").rows)
    assert "the-canary" not in text
    assert place.only.work.payload["withheld"] == ["api_token"]
    assert place.retry(place.only.dlq_id).status is LetterStatus.EXHAUSTED
    assert "run flow with them, and its success resolves the letter" in place.only.error["message"]
    place.run(api_token="the-canary")
    assert place.only.status is LetterStatus.RESOLVED
    params = {"rows": ["x" * 100] * 101, "url": "https://user:pass@host/", "tier": "T1"}
    assert failed_step("flow", "work", params, SpineError("x")).payload["withheld"] == ["rows", "url"]


def test_two_retries_of_one_letter_do_not_meet(place: Place) -> None:
    place.run(failures=2)
    place.wait(30)
    dlq_id = place.only.dlq_id
    with lease(place.storage, f"dead_letter:{dlq_id}", "elsewhere", clock=lambda: place.now):
        with pytest.raises(LeaseHeld):
            place.retry(dlq_id)
        assert place.retry_due() == []
    assert place.only.status is LetterStatus.PENDING
    assert len(place.retry_due()) == 1


def test_a_workflow_that_is_gone_is_told(place: Place) -> None:
    place.run(failures=2)
    (place.folder / "workflows" / "flow.yaml").unlink()
    letter = place.retry(place.only.dlq_id)
    assert (letter.status, letter.error["category"]) == (LetterStatus.EXHAUSTED, "VALIDATION")


def test_a_letter_handed_to_airflow_waits_for_its_run(place: Place) -> None:
    place.run(failures=2, tier="T2")
    started: list[tuple[str, str, dict[str, Any]]] = []
    dlq_id = place.only.dlq_id
    letter = trigger_letter(place.storage, place.settings, dlq_id, lambda *run: started.append(run), now=place.now)
    [(dag_id, run_id, conf)] = started
    assert (dag_id, conf["tier"], letter.run_id) == ("flow", "T2", run_id)
    assert (letter.status, letter.retry_count) == (LetterStatus.RETRYING, 1)
    place.wait(3599)
    assert place.retry_due() == []
    place.run(failures=2, tier="T2")  # how it ended
    assert (place.only.status, place.only.retry_count) == (LetterStatus.PENDING, 1)
    resolve_letter(place.storage, dlq_id, by="ann", reason="no more", now=place.now)
    with pytest.raises(ValidationError, match="is resolved"):
        trigger_letter(place.storage, place.settings, dlq_id, lambda *run: started.append(run), now=place.now)


def test_a_letter_is_found_by_the_first_letters_of_its_id(place: Place) -> None:
    place.run(failures=2)
    assert letter_by_prefix(place.storage, place.only.dlq_id[:8]) == place.only
    for start in ("", "zz", "%"):
        with pytest.raises(ValidationError, match="no dead letter"):
            letter_by_prefix(place.storage, start)


def test_messages_have_a_place_too(place: Place) -> None:
    work = Work(SourceType.MESSAGE, "alert 12 to slack", "", {"alert_id": "12", "channel": "slack"})
    letter = record_failure(place.storage, work, TransientError("down"), now=NOON, run_id="deliver", max_retries=5)
    assert (letter.max_retries, letter.status) == (5, LetterStatus.PENDING)
    assert place.retry(letter.dlq_id).error["type"] == ConfigurationError.__name__


def test_where_nothing_can_be_written_the_failure_is_told_as_before(
    storage: Storage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(storage, tmp_path)  # without migrations
    with caplog.at_level("WARNING"):
        assert place.run(failures=2).state == "failed"
    assert "the failure of step work could not be written down" in caplog.text
