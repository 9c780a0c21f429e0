"""A run may take as long as it needs: its lease is put off while it works, and only while it works."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress

import pytest

from spine.core.errors import DependencyError, LeaseHeld
from spine.storage.base import Storage
from spine.storage.leases import LEASE_SECONDS, lease
from spine.storage.sqlite import SqliteStorage
from tests.support.lease_holder import Pulse, hold_lease
from tests.support.peers import peer
from tests.support.storage import open_storage

pytestmark = pytest.mark.integration

KEY = "partition:finra.otc_transparency:T1:2025-11-14"
START = dt.datetime(2026, 1, 5, 11, 0, tzinfo=dt.UTC)
THIRD = dt.timedelta(seconds=LEASE_SECONDS / 3)


class Clock:
    """A present that moves when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now


def can_be_taken(storage: Storage, clock: Callable[[], dt.datetime]) -> bool:
    with suppress(LeaseHeld), lease(storage, KEY, "other", clock=clock, wait=0):
        return True
    return False


def test_a_run_longer_than_a_lease_keeps_it(upgraded_storage: Storage) -> None:
    clock, pulse = Clock(), Pulse()
    with lease(upgraded_storage, KEY, "long", clock=clock, pause=pulse) as held:
        for _ in range(10):
            clock.now += THIRD
            pulse.beat()
            assert not can_be_taken(upgraded_storage, clock)
        with upgraded_storage.transaction() as session:
            held.confirm(session)
        assert pulse.asked == [LEASE_SECONDS / 3] * 11
    assert can_be_taken(upgraded_storage, clock)


def test_a_lease_given_back_is_put_off_no_more(upgraded_storage: Storage) -> None:
    clock, pulse = Clock(), Pulse()
    with lease(upgraded_storage, KEY, "first", clock=clock, pause=pulse):
        pulse.beat()
    row = next(iter(upgraded_storage.query("SELECT acquired_at, expires_at FROM core_concurrency_locks")))
    assert row["acquired_at"] == row["expires_at"]


def test_a_renewal_that_fails_is_tried_again_soon(upgraded_storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object) -> int:
        raise DependencyError("the server is restarting")

    clock, pulse = Clock(), Pulse()
    with lease(upgraded_storage, KEY, "long", clock=clock, pause=pulse):
        clock.now += 2 * THIRD
        with monkeypatch.context() as cut:
            cut.setattr(upgraded_storage, "execute", gone)
            pulse.beat()
        pulse.beat()
        clock.now += 2 * THIRD
        assert not can_be_taken(upgraded_storage, clock)
    failed, after = pulse.asked[1], pulse.asked[2]
    assert failed < after == LEASE_SECONDS / 3


def test_who_lost_the_lease_renews_no_more(upgraded_storage: Storage) -> None:
    clock, pulse = Clock(), Pulse()
    with lease(upgraded_storage, KEY, "slow", clock=clock, pause=pulse):
        clock.now += 3 * THIRD
        with lease(upgraded_storage, KEY, "next", clock=clock, wait=0):
            clock.now += THIRD
            pulse.begin()
    assert pulse.asked == [LEASE_SECONDS / 3]
    assert upgraded_storage.query("SELECT fencing_token FROM core_concurrency_locks").scalar == 2


def test_a_renewal_waits_for_the_run_s_own_transaction_and_fights_nobody(
    upgraded_storage: Storage, database_url: str
) -> None:
    """On SQLite the transaction has the write lock, elsewhere the row: no other run can take the lease meanwhile."""
    clock, pulse = Clock(), Pulse()
    with open_storage(database_url) as other, lease(upgraded_storage, KEY, "long", clock=clock, pause=pulse) as held:
        if isinstance(other, SqliteStorage):
            other.busy_timeout = 0.05
        with upgraded_storage.transaction() as session:
            held.confirm(session)
            clock.now += 2 * THIRD
            pulse.begin()
            if isinstance(other, SqliteStorage):
                clock.now += 2 * THIRD
                assert not can_be_taken(other, clock)
        pulse.settle()
        assert not can_be_taken(other, clock)
    assert can_be_taken(upgraded_storage, clock)


@pytest.mark.chaos
def test_a_process_that_works_keeps_its_lease_and_one_that_is_stopped_does_not(
    upgraded_storage: Storage, database_url: str
) -> None:
    clock = Clock()
    with peer(hold_lease, database_url, KEY, START) as holder:
        assert holder.says() == "held"
        for _ in range(6):
            clock.now += THIRD
            holder.tell(clock.now)
            assert holder.says() == "renewed"
            assert not can_be_taken(upgraded_storage, clock)
        holder.stop()
        clock.now += 3 * THIRD
        assert can_be_taken(upgraded_storage, clock)
        holder.go_on()
        holder.tell("publish")
        assert "another run took over" in holder.says()
