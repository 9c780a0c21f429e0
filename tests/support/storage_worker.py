"""Tasks for another process: ``python -m tests.support.storage_worker TASK URL [ARGUMENT ...]``."""

from __future__ import annotations

import datetime as dt
import sys
import threading
from collections.abc import Callable
from importlib import import_module
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
        say("inserted")
        threading.Event().wait()


def touch(storage: Storage, _: str) -> None:
    storage.query("SELECT 1 AS one")


def migrate(storage: Storage, sql_dir: str) -> None:
    say(",".join(upgrade(storage, Path(sql_dir))))


def race(storage: Storage, name: str) -> None:
    """Enter and leave a room many times; a row for whoever is inside."""
    for number in range(RACES):
        with lease(storage, "room", f"{name}-{number}", clock=now, sleep=_short) as held:
            storage.execute("INSERT INTO inside VALUES (:name)", {"name": name})
            others = storage.query("SELECT COUNT(*) FROM inside WHERE name <> :name", {"name": name}).scalar
            storage.execute("DELETE FROM inside WHERE name = :name", {"name": name})
            say(held.token, others)


def hold(storage: Storage, key: str) -> None:
    """Take a lease and stay."""
    with lease(storage, key, "holder", clock=now) as held:
        say("held", held.token)
        threading.Event().wait()


def stream_arrow(storage: Storage, table: str) -> None:
    """Read the square of a table; its rows, its megabytes, and by how many megabytes the process grew."""
    sql = f"SELECT a.n, a.name AS first_name, b.name AS second_name FROM {table} a, {table} b WHERE a.n >= :least"
    with storage.stream_arrow(f"{sql} AND b.n = 0", {"least": 0}) as reader:  # what the first use of a library costs
        reader.read_all()
    before, rows, size = most_memory(), 0, 0
    with storage.stream_arrow(sql, {"least": 0}, batch_rows=20_000) as reader:
        for batch in reader:
            rows, size = rows + batch.num_rows, size + batch.nbytes
    say(rows, size >> 20, most_memory() - before)


def most_memory() -> int:
    """Most megabytes that this process has held so far."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) >> 10


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _short(seconds: float) -> None:
    threading.Event().wait(0.01)


TASKS = {task.__name__: task for task in (insert, insert_and_stay, touch, migrate, race, hold, stream_arrow)}


def _found(task: str) -> Callable[..., None]:
    """A task of another module, ``module:task``; exports' by their name alone."""
    module, _, name = task.rpartition(":")
    found: Callable[..., None] = getattr(import_module(f"tests.support.{module or 'export_tasks'}"), name)
    return found


def main() -> None:
    task, url, *args = sys.argv[1:]
    storage = connect_storage(url)
    say("ready")
    sys.stdin.readline()
    # Some need modules that would slow down the others, of which tests start many.
    (TASKS.get(task) or _found(task))(storage, *args)
    storage.close()


if __name__ == "__main__":
    main()
