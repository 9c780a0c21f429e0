"""Exports in another process: tasks of tests.support.storage_worker."""

from __future__ import annotations

import datetime as dt
import resource
import threading
from pathlib import Path

from spine.core.errors import SpineError
from spine.exports.export import Request
from spine.exports.export import export as write_export
from spine.exports.selection import Selection
from spine.storage.base import Storage
from tests.support.exports import WEEKS
from tests.support.storage_worker import most_memory, now, say


def export(storage: Storage, target: str) -> None:
    """Export a capture of one row and then one of many; its rows, and by how many megabytes the process grew."""
    small, large = WEEKS[:2]
    write_export(storage, _of_week(small, f"{target}.small{Path(target).suffix}"), now=now())
    before = most_memory()
    receipt = write_export(storage, _of_week(large, target), now=now())
    say(receipt.rows, most_memory() - before)


def export_and_stay(storage: Storage, target: str) -> None:
    """An export that stops after its first rows."""

    def told(*_: object) -> None:
        say("writing")
        threading.Event().wait()

    write_export(storage, Request("venue_volume", Path(target)), now=now(), told=told)


def export_on_a_small_disk(storage: Storage, target: str) -> None:
    """The system takes no more than 2 KB of any file; what the export says to that."""
    before = Path(target).with_name(f"before.{Path(target).name}")
    write_export(storage, Request("venue_volume", before, compression="none"), now=now())
    before.unlink()  # connections are open now, and the index of SQLite's log is written, which is a file as well
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
    try:
        write_export(storage, Request("venue_volume", Path(target), compression="none"), now=now())
    except SpineError as error:
        say(error)


def _of_week(week: dt.date, target: str) -> Request:
    return Request("venue_volume", Path(target), selection=Selection(first_week=week, last_week=week))
