"""Simulators on loopback. Most tests share the one without options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from spine.finra.simulator import Simulator, running_simulator
from tests.support.finra import MARKET, NOW, Caller

Start = Callable[..., tuple[Simulator, Caller]]


@pytest.fixture(scope="module")
def plain_simulator() -> Iterator[Simulator]:
    with running_simulator(market=MARKET, weeks=60, now=NOW) as simulator:
        yield simulator


@pytest.fixture
def call(plain_simulator: Simulator) -> Iterator[Caller]:
    """A client of the simulator without options; a test must leave it as it was."""
    caller = Caller(plain_simulator)
    with caller.http:
        yield caller


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a simulator with options, for this test alone."""
    with ExitStack() as stack:

        def run(**options: Any) -> tuple[Simulator, Caller]:
            settings = {"market": MARKET, "weeks": 4, "now": NOW} | options
            simulator = stack.enter_context(running_simulator(**settings))
            caller = Caller(simulator)
            stack.enter_context(caller.http)
            return simulator, caller

        yield run
