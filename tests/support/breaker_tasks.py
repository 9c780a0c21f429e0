"""Uses of a dependency in processes of their own (``storage_worker``)."""

from __future__ import annotations

import datetime as dt
import logging
import sys
import threading

from spine.core.errors import BreakerOpen, DependencyError
from spine.core.guards import BreakerLimits
from spine.resilience.breakers import Breakers
from spine.storage.base import Storage
from tests.support.storage_worker import say

logging.disable()  # what a worker says goes to the test
NAME = "http:flaky.example"
LIMITS = BreakerLimits(failure_threshold=5, recovery_timeout=30, success_threshold=2)
START = dt.datetime(2026, 5, 15, 12, tzinfo=dt.UTC)
TRIES = 5


def fail_often(storage: Storage, _: str) -> None:
    """Use a dependency that is down, over and over; how often it was asked, and how often not."""
    breakers, asked, refused = Breakers(storage, lambda: START, LIMITS), 0, 0
    for _number in range(TRIES):
        try:
            with breakers.guard(NAME):
                asked += 1
                raise DependencyError("no answer")
        except BreakerOpen:
            refused += 1
        except DependencyError:
            pass
    say(asked, refused)


def try_once(storage: Storage, seconds: str) -> None:
    """Use it so many seconds after it opened, and stay inside until told to go."""
    breakers = Breakers(storage, lambda: START + dt.timedelta(seconds=float(seconds)), LIMITS)
    try:
        with breakers.guard(NAME):
            say("inside")
            sys.stdin.readline()
        say("done")
    except BreakerOpen as error:
        say("refused", error.retry_after)


def try_and_stay(storage: Storage, seconds: str) -> None:
    """A use that never ends."""
    breakers = Breakers(storage, lambda: START + dt.timedelta(seconds=float(seconds)), LIMITS)
    with breakers.guard(NAME):
        say("inside")
        threading.Event().wait()
