"""The simulator on a port: beside a test in a thread of its own, or alone until it is told to stop."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spine.core.errors import DependencyError, ValidationError
from spine.finra.simulator.clock import SimulatorClock
from spine.finra.simulator.delivery import Application
from spine.finra.simulator.endpoints import TOKEN_PATH
from spine.finra.simulator.faults import FaultBoard
from spine.finra.simulator.journal import Journal
from spine.finra.simulator.options import SimulatorOptions
from spine.finra.simulator.service import Service

if TYPE_CHECKING:
    import uvicorn

_STARTING = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Simulator:
    """A simulator that listens at ``url``, and the handles a test needs."""

    url: str
    options: SimulatorOptions
    clock: SimulatorClock
    faults: FaultBoard
    journal: Journal

    @property
    def token_url(self) -> str:
        return self.url + TOKEN_PATH


@contextmanager
def running_simulator(options: SimulatorOptions | None = None, **changes: Any) -> Iterator[Simulator]:
    """A simulator on a free port of this machine, gone afterwards; ``changes`` are fields of SimulatorOptions."""
    options = options or SimulatorOptions(**changes)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        simulator, server = _prepared(options, listener)
        thread = threading.Thread(target=server.run, args=([listener],), name="finra-simulator", daemon=True)
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield simulator
        finally:
            server.should_exit = True
            thread.join()


def serve_simulator(
    options: SimulatorOptions, host: str, port: int, announce: Callable[[Simulator], None] = lambda simulator: None
) -> None:
    """Serve until interrupted; ``announce`` is called once it listens.

    :raises ValidationError: no such port.
    :raises DependencyError: the port is someone else's.
    """
    if port not in range(65_536):
        raise ValidationError(f"{port} is not a port; choose another --port, from 0 (any free one) to 65535")
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise DependencyError(f"cannot listen on {host}:{port} ({error}); choose another --port") from error
    with listener, suppress(KeyboardInterrupt):
        simulator, server = _prepared(options, listener)
        announce(simulator)
        server.run([listener])


def _prepared(options: SimulatorOptions, listener: socket.socket) -> tuple[Simulator, uvicorn.Server]:
    import uvicorn

    host, port = listener.getsockname()[:2]
    url = f"http://{host}:{port}"
    service = Service(options, url)
    config = uvicorn.Config(
        Application(service, compress=options.gzip),
        http="h11",  # the other one spells every header in lower case
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",  # a body cut on purpose is an error in uvicorn's eyes
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return Simulator(url, options, service.clock, service.faults, service.journal), uvicorn.Server(config)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + _STARTING
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise DependencyError(f"the simulator did not start within {_STARTING:g} s; see the log of its thread")
        time.sleep(0.005)
