"""A retry of a dead letter that is killed: the letter can be retried, and is not retried for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from spine.resilience.dead_letters import LetterStatus
from spine.storage.base import Storage
from tests.support.letters import Place
from tests.support.processes import worker
from tests.support.storage import WITHOUT_DB2

pytestmark = [pytest.mark.chaos, WITHOUT_DB2]


@pytest.fixture
def place(upgraded_storage: Storage, tmp_path: Path) -> Place:
    return Place(upgraded_storage, tmp_path)


def kill_a_retry(place: Place, database_url: str) -> None:
    with worker("letter_tasks:retry_and_stay", database_url, place.now.isoformat()) as retrying:
        assert retrying.says() == "ready"
        retrying.go()
        assert retrying.says() == f"at work on {place.only.dlq_id}"
        assert place.only.status is LetterStatus.RETRYING
        assert place.retry_due() == [], "nobody else meanwhile"
        retrying.process.kill()


def test_a_killed_retry_is_taken_up_by_the_next_round(place: Place, database_url: str) -> None:
    place.run(failures=2)
    place.wait(30)
    kill_a_retry(place, database_url)
    [letter] = place.retry_due()
    assert (letter.status, letter.retry_count) == (LetterStatus.RESOLVED, 2)


def test_work_that_kills_every_retry_ends_before_a_person(place: Place, database_url: str) -> None:
    place.run(failures=2)
    place.wait(30)
    for _ in range(3):
        kill_a_retry(place, database_url)
    [letter] = place.retry_due()
    assert (letter.status, letter.retry_count) == (LetterStatus.EXHAUSTED, 3)
    assert "its last retry was killed" in letter.error["message"]
    assert [state for state, *_ in place.alerts()] == ["FIRING"]
    assert place.retry_due() == []


def test_four_processes_share_what_is_due(place: Place, database_url: str) -> None:
    for week in ("03-06", "03-13", "03-20", "03-27", "04-03", "04-10"):
        place.run(failures=2, week_ending=f"2026-{week}")
    place.wait(30)
    runs = 0
    processes = [
        worker("letter_tasks:retry_all", database_url, place.now.isoformat(), str(place.folder)) for _ in range(4)
    ]
    with processes[0] as a, processes[1] as b, processes[2] as c, processes[3] as d:
        for each in (a, b, c, d):
            assert each.says() == "ready"
        for each in (a, b, c, d):
            each.go()
        for each in (a, b, c, d):
            code, told = each.result()
            assert code == 0, told
            runs += int(told.split()[1])
    assert runs == 6 * 3, "each letter's three steps ran once"
    found = place.storage.query("SELECT status, COUNT(*) FROM dead_letter_queue GROUP BY status").rows
    assert found == [("resolved", 6)]
