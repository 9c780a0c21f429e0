"""Tasks for another process: ``python -m tests.support.storage_worker TASK URL [ARGUMENT ...]``."""

from __future__ import annotations

import datetime as dt
import sys
import threading
from pathlib import Path

from spine.storage.base import Storage
from spine.storage.connect import connect_storage
from spine.storage.leases import lease
from spine.storage.migrations import upgrade

RACES = 15


def insert(storage: Storage, writer: str) -> None:
    """Twenty transactions of one row, each after a look at the table."""
    for number in range(20):
        with storage.transaction() as session:
            session.query("SELECT COUNT(*) FROM written")
            session.execute("INSERT INTO written VALUES (:writer, :number)", {"writer": writer, "number": number})


def insert_and_stay(storage: Storage, writer: str) -> None:
    """A transaction that never ends."""
    with storage.transaction() as session:
        session.execute("INSERT INTO written VALUES (:writer, 0)", {"writer": writer})
        _say("inserted")
        threading.Event().wait()


def touch(storage: Storage, _: str) -> None:
    storage.query("SELECT 1 AS one")


def migrate(storage: Storage, sql_dir: str) -> None:
    _say(",".join(upgrade(storage, Path(sql_dir))))


def race(storage: Storage, name: str) -> None:
    """Enter and leave a room many times; a row for whoever is inside."""
    for number in range(RACES):
        with lease(storage, "room", f"{name}-{number}", clock=_now, sleep=_short) as held:
            storage.execute("INSERT INTO inside VALUES (:name)", {"name": name})
            others = storage.query("SELECT COUNT(*) FROM inside WHERE name <> :name", {"name": name}).scalar
            storage.execute("DELETE FROM inside WHERE name = :name", {"name": name})
            _say(held.token, others)


def hold(storage: Storage, key: str) -> None:
    """Take a lease and stay."""
    with lease(storage, key, "holder", clock=_now) as held:
        _say("held", held.token)
        threading.Event().wait()


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _short(seconds: float) -> None:
    threading.Event().wait(0.01)


TASKS = {task.__name__: task for task in (insert, insert_and_stay, touch, migrate, race, hold)}


def main() -> None:
    task, url, *args = sys.argv[1:]
    storage = connect_storage(url)
    _say("ready")
    sys.stdin.readline()
    TASKS[task](storage, *args)
    storage.close()


if __name__ == "__main__":
    main()
