"""A run that holds a lease in a process of its own, at a present that the test decides (tests.support.peers)."""

from __future__ import annotations

import datetime as dt
import threading
from multiprocessing.connection import Connection

from spine.core.errors import LeaseHeld
from spine.storage.leases import lease
from tests.support.storage import open_storage


class Pulse:
    """Decides when a lease is renewed: at each ``beat``, and not by the passing of time."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._due, self._waiting = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, ended: threading.Event, seconds: float) -> bool:
        self.asked.append(seconds)
        self._waiting.release()
        while not self._due.acquire(timeout=0.01):
            if ended.is_set():
                return True
        return ended.is_set()

    def beat(self) -> None:
        """Let one renewal happen, and wait until it is done."""
        self.begin()
        self.settle()

    def begin(self) -> None:
        self._waiting.acquire()
        self._due.release()

    def settle(self) -> None:
        """Wait until the renewal that was begun is over."""
        self._waiting.acquire()
        self._waiting.release()


def hold_lease(pipe: Connection, url: str, key: str, present: dt.datetime) -> None:
    """Told an instant it renews the lease then; told to publish, it tries to, and says what came of it."""
    pulse = Pulse()
    with open_storage(url) as storage, lease(storage, key, "holder", clock=lambda: present, pause=pulse) as held:
        pipe.send("held")
        while (told := pipe.recv()) != "publish":
            present = told
            pulse.beat()
            pipe.send("renewed")
        try:
            with storage.transaction() as session:
                held.confirm(session)
            pipe.send("published")
        except LeaseHeld as error:
            pipe.send(error.message)
