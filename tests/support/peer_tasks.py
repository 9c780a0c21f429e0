"""Tasks for another process (tests.support.peers), on whichever database."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.storage import open_storage


def most_memory() -> int:
    """Most megabytes that this process has held so far."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) >> 10


def write_twenty(pipe: Connection, url: str, writer: str) -> None:
    """Transactions of one row, each after a look at the table."""
    with open_storage(url) as storage:
        storage.query("SELECT COUNT(*) FROM written")
        pipe.send("ready")
        pipe.recv()
        for number in range(20):
            with storage.transaction() as session:
                session.query("SELECT COUNT(*) FROM written")
                session.execute("INSERT INTO written VALUES (:writer, :number)", {"writer": writer, "number": number})


def stream_it(pipe: Connection, url: str, sql: str) -> None:
    """Read a result of ``n`` and ``name`` row by row; its rows, its megabytes of names, and by how many the process grew."""
    with open_storage(url) as storage:
        assert len(list(storage.stream(f"{sql} WHERE a.n = 0"))) > 0  # what the first use of a library costs
        before, rows, size = most_memory(), 0, 0
        for row in storage.stream(sql):
            rows, size = rows + 1, size + len(row["name"])
        pipe.send((rows, size >> 20, most_memory() - before))
