"""What senders and deliverers of alerts do, each in a process of its own (tests.support.peers)."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection
from typing import Any

from spine.alerts import delivery
from spine.alerts.outbox import raise_alert
from spine.pipelines.connections import ConnectionDetails
from spine.pipelines.context import utc_now
from tests.support.alerts import alert, config_of
from tests.support.connections import GivenConnections
from tests.support.storage import open_storage


def raise_many(pipe: Connection, url: str, how_many: int) -> None:
    """The same failure, over and over."""
    with open_storage(url) as storage:
        pipe.send("ready")
        pipe.recv()
        for number in range(how_many):
            raise_alert(storage, alert(run_id=f"run {os.getpid()} {number}"), utc_now())
    pipe.send("done")


def deliver_once(pipe: Connection, url: str, routes: str, webhook: str, die: str) -> None:
    """One round; ``die`` says where it is killed: ``before`` anything is sent, or ``between`` sending and recording."""
    connections = GivenConnections(ConnectionDetails("hook", "http", host=webhook))
    if die == "before":
        _kill_at(delivery, "_send_due")
    elif die == "between":
        _kill_at(delivery, "_delivered")
    with open_storage(url) as storage:
        pipe.send("ready")
        pipe.recv()
        done = delivery.deliver(storage, config_of(routes), connections, clock=utc_now)
        pipe.send(done.to_dict())


def _kill_at(module: Any, name: str) -> None:
    def killed(*args: object, **options: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(module, name, killed)
