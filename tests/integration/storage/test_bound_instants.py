"""Instants as bound values. PostgreSQL's driver once ended our transaction over one."""

from __future__ import annotations

import datetime as dt

import pytest

from spine.storage.base import Session, Storage

NOW = dt.datetime(2026, 8, 3, 12, 30, 15, 123456, tzinfo=dt.timezone(dt.timedelta(hours=-4)))
LOCKS = "core_concurrency_locks"


def insert_lock(session: Session) -> None:
    session.execute(
        f"INSERT INTO {LOCKS} (lock_key, execution_id, owner, fencing_token, acquired_at, expires_at) "
        "VALUES ('key', '', '', 0, :now, :now)",
        {"now": NOW},
    )


class _GivenUp(Exception):
    pass


def test_a_transaction_with_instants_rolls_back_whole(upgraded_storage: Storage) -> None:
    with pytest.raises(_GivenUp), upgraded_storage.transaction() as session:
        insert_lock(session)
        session.query(f"SELECT lock_key FROM {LOCKS} WHERE expires_at <= :now", {"now": NOW})
        raise _GivenUp
    assert upgraded_storage.query(f"SELECT COUNT(*) FROM {LOCKS}").scalar == 0


def test_an_instant_of_another_zone_keeps_its_place_in_time(upgraded_storage: Storage) -> None:
    with upgraded_storage.transaction() as session:
        insert_lock(session)
    stored = upgraded_storage.query(f"SELECT acquired_at FROM {LOCKS}").scalar
    assert (stored if isinstance(stored, dt.datetime) else dt.datetime.fromisoformat(stored)) == NOW
    microsecond = dt.timedelta(microseconds=1)
    for limit, found in ((NOW - microsecond, 0), (NOW, 1), (NOW + microsecond, 1)):
        counted = upgraded_storage.query(f"SELECT COUNT(*) FROM {LOCKS} WHERE expires_at <= :limit", {"limit": limit})
        assert counted.scalar == found
