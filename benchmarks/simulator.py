"""A simulated FINRA in a process of its own, so that serving does not slow down asking."""

from __future__ import annotations

import datetime as dt
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spine.finra.synthetic import SyntheticMarket

NOW = dt.datetime(2026, 5, 15, 18, tzinfo=dt.UTC)
_WEEKS = 8


@contextmanager
def simulated(market: SyntheticMarket) -> Iterator[str]:
    """The URL of a simulator that shows this market as it was NOW."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, market), daemon=True)
    process.start()
    yield ours.recv()
    ours.send("end")
    process.join()


def _serve(ours: Connection, market: SyntheticMarket) -> None:
    from spine.finra.simulator import running_simulator

    with running_simulator(market=market, weeks=_WEEKS, now=NOW) as running:
        ours.send(running.url)
        ours.recv()
