"""One writer per partition, whoever is slow, stopped or dead."""

from __future__ import annotations

import datetime as dt
import os
import socket
from contextlib import ExitStack
from itertools import count

import pytest

from spine.core.errors import DependencyError, LeaseHeld
from spine.storage import leases
from spine.storage.base import Storage
from spine.storage.leases import LEASE_SECONDS, Lease, lease
from tests.support.processes import run_together, worker
from tests.support.storage import open_storage
from tests.support.storage_worker import RACES

pytestmark = pytest.mark.integration

KEY = "partition:finra.otc_transparency:T1:2025-11-14"
START = dt.datetime(2026, 1, 5, 11, 0, tzinfo=dt.UTC)
AFTER = dt.timedelta(seconds=LEASE_SECONDS)


class Clock:
    """A present that moves when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now


def owner_of(storage: Storage, key: str = KEY) -> tuple[str, int]:
    row = storage.query(
        "SELECT execution_id, fencing_token FROM core_concurrency_locks WHERE lock_key = :key", {"key": key}
    ).rows[0]
    return row[0], row[1]


def test_the_token_grows_with_every_holder(upgraded_storage: Storage) -> None:
    tokens = []
    for number in range(4):
        with lease(upgraded_storage, KEY, f"run-{number}", clock=Clock(), wait=0) as held:
            tokens.append(held.token)
            assert owner_of(upgraded_storage) == (f"run-{number}", held.token)
    assert tokens == [1, 2, 3, 4]


def test_leases_of_other_partitions_do_not_matter(upgraded_storage: Storage) -> None:
    with (
        lease(upgraded_storage, KEY, "run-1", clock=Clock(), wait=0),
        lease(upgraded_storage, "other", "run-2", clock=Clock(), wait=0) as other,
    ):
        assert other.token == 1


def test_a_second_run_is_told_who_holds_it(upgraded_storage: Storage) -> None:
    with lease(upgraded_storage, KEY, "run-1", clock=Clock()):
        with (
            pytest.raises(LeaseHeld, match=f"{KEY} is held by run run-1") as caught,
            lease(upgraded_storage, KEY, "run-2", clock=Clock(), wait=0),
        ):
            pass
        assert caught.value.retryable
        assert caught.value.retry_after
        assert owner_of(upgraded_storage) == ("run-1", 1)
    with lease(upgraded_storage, KEY, "run-2", clock=Clock(), wait=0) as held:
        assert held.token == 2


def test_a_second_run_waits_its_turn(upgraded_storage: Storage) -> None:
    clock, looks = Clock(), count()
    with ExitStack() as first:
        first.enter_context(lease(upgraded_storage, KEY, "run-1", clock=clock))

        def until_the_third_look(seconds: float) -> None:
            assert owner_of(upgraded_storage) == ("run-1", 1)
            if next(looks) == 2:
                first.close()

        with lease(upgraded_storage, KEY, "run-2", clock=clock, sleep=until_the_third_look) as held:
            assert held.token == 2
    assert next(looks) == 3


def test_an_expired_lease_is_taken_over(upgraded_storage: Storage) -> None:
    clock = Clock()
    with lease(upgraded_storage, KEY, "slow", clock=clock) as slow:
        clock.now = START + AFTER - dt.timedelta(microseconds=1)
        with pytest.raises(LeaseHeld), lease(upgraded_storage, KEY, "next", clock=clock, wait=0):
            pass
        clock.now = START + AFTER
        with lease(upgraded_storage, KEY, "next", clock=clock, wait=0) as taken:
            assert taken.token == slow.token + 1
    assert owner_of(upgraded_storage) == ("next", 2)


def test_who_lost_the_lease_publishes_nothing(upgraded_storage: Storage) -> None:
    upgraded_storage.execute("CREATE TABLE published (name VARCHAR(80))")
    clock = Clock()
    with lease(upgraded_storage, KEY, "slow", clock=clock) as slow:
        clock.now += AFTER
        with lease(upgraded_storage, KEY, "next", clock=clock, wait=0) as taken:
            with pytest.raises(LeaseHeld, match="nothing was published"), upgraded_storage.transaction() as session:
                session.execute("INSERT INTO published VALUES ('slow')")
                slow.confirm(session)
            with upgraded_storage.transaction() as session:
                session.execute("INSERT INTO published VALUES ('next')")
                taken.confirm(session)
    assert upgraded_storage.query("SELECT name FROM published").rows == [("next",)]


def test_who_lost_the_lease_does_not_end_the_one_of_its_successor(upgraded_storage: Storage) -> None:
    clock = Clock()
    with ExitStack() as slow:
        slow.enter_context(lease(upgraded_storage, KEY, "slow", clock=clock))
        clock.now += AFTER
        with lease(upgraded_storage, KEY, "next", clock=clock, wait=0):
            slow.close()
            with pytest.raises(LeaseHeld), lease(upgraded_storage, KEY, "third", clock=clock, wait=0):
                pass


def test_a_slow_run_that_nobody_replaced_may_publish(upgraded_storage: Storage) -> None:
    clock = Clock()
    with lease(upgraded_storage, KEY, "slow", clock=clock) as slow:
        clock.now += 10 * AFTER
        with upgraded_storage.transaction() as session:
            slow.confirm(session)


def test_a_failing_block_gives_the_lease_back_and_its_error_comes_out(upgraded_storage: Storage) -> None:
    with pytest.raises(KeyError), lease(upgraded_storage, KEY, "run-1", clock=Clock()):
        raise KeyError("defect")
    with lease(upgraded_storage, KEY, "run-2", clock=Clock(), wait=0):
        pass


def test_a_lease_that_cannot_be_given_back_hides_no_error(upgraded_storage: Storage) -> None:
    with pytest.raises(KeyError, match="the first"), lease(upgraded_storage, KEY, "run-1", clock=Clock()):
        upgraded_storage.execute("DROP TABLE core_concurrency_locks")
        raise KeyError("the first")


def test_a_lease_that_was_taken_without_our_hearing_of_it_is_free_at_once(
    upgraded_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lease(upgraded_storage, KEY, "before", clock=Clock()):
        pass  # so that the first commit of the next one is that of its taking
    commit = type(upgraded_storage)._commit  # type: ignore[attr-defined]

    def unheard(storage: Storage, session: object) -> None:
        commit(storage, session)
        raise DependencyError("the connection was cut")

    with monkeypatch.context() as cut, pytest.raises(DependencyError):
        cut.setattr(type(upgraded_storage), "_commit", unheard)
        with lease(upgraded_storage, KEY, "first", clock=Clock()):
            pass
    assert owner_of(upgraded_storage) == ("first", 2)
    with lease(upgraded_storage, KEY, "next", clock=Clock(), wait=0) as taken:
        assert taken.token == 3


def test_a_lease_that_could_not_be_given_back_is_free_at_once(
    upgraded_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: object) -> int:
        raise DependencyError("the server is restarting")

    with monkeypatch.context() as cut, lease(upgraded_storage, KEY, "first", clock=Clock()):
        cut.setattr(upgraded_storage, "execute", gone)
    with lease(upgraded_storage, KEY, "next", clock=Clock(), wait=0) as taken:
        assert taken.token == 2


def test_an_owner_elsewhere_counts_as_alive(upgraded_storage: Storage) -> None:
    """Its machine cannot be asked, so its lease ends by itself."""
    clock = Clock()
    here = f"{leases._machine()}:{2**22 + 1}:1:1"
    for owner, dead in {
        "elsewhere:1:1:1": False,
        "": False,
        "odd": False,
        f"{socket.gethostname()}:1:1:1": False,
        here: True,
    }.items():
        upgraded_storage.execute("DELETE FROM core_concurrency_locks")
        with lease(upgraded_storage, KEY, "gone", clock=clock):
            upgraded_storage.execute("UPDATE core_concurrency_locks SET owner = :owner", {"owner": owner})
            if dead:
                with lease(upgraded_storage, KEY, "next", clock=clock, wait=0) as taken:
                    assert taken.token == 2
            else:
                with pytest.raises(LeaseHeld), lease(upgraded_storage, KEY, "next", clock=clock, wait=0):
                    pass


def test_a_reused_process_number_is_another_process() -> None:
    machine, pid, started = leases._this_process().rsplit(":", 2)
    assert pid == str(os.getpid())
    assert not leases._is_dead(f"{machine}:{pid}:{started}")
    assert leases._is_dead(f"{machine}:{pid}:{int(started) + 1}")


@pytest.mark.chaos
def test_the_lease_of_a_killed_process_is_free_at_once(upgraded_storage: Storage, database_url: str) -> None:
    with worker("hold", database_url, KEY) as holder:
        assert holder.says() == "ready"
        holder.go()
        assert holder.says() == "held 1"
        with (
            pytest.raises(LeaseHeld, match=f":{holder.process.pid}:"),
            lease(upgraded_storage, KEY, "next", clock=leases_clock, wait=0),
        ):
            pass
        holder.process.kill()
        os.waitid(os.P_PID, holder.process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still a zombie
        with lease(upgraded_storage, KEY, "next", clock=leases_clock, wait=0) as taken:
            assert taken.token == 2


def leases_clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.mark.chaos
def test_racing_processes_are_never_inside_together(upgraded_storage: Storage, database_url: str) -> None:
    upgraded_storage.execute("CREATE TABLE inside (name VARCHAR(80))")
    results = run_together("race", database_url, ["a", "b", "c"])
    assert [code for code, _ in results] == [0, 0, 0], results
    lines = [line.split() for _, out in results for line in out.splitlines()]
    assert {others for _, others in lines} == {"0"}
    assert sorted(int(token) for token, _ in lines) == list(range(1, 3 * RACES + 1))


def test_a_lease_needs_its_server() -> None:
    with (
        open_storage("postgresql://nobody@127.0.0.1:1/none") as storage,
        pytest.raises(DependencyError),
        lease(storage, KEY, "run-1", clock=Clock()),
    ):
        pass


def test_a_lease_that_was_never_given_confirms_nothing(upgraded_storage: Storage) -> None:
    with pytest.raises(LeaseHeld), upgraded_storage.transaction() as session:
        Lease(KEY, 1, "me").confirm(session)
