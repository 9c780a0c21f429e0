"""A line between a test and a server that breaks when it is told to: ``python -m tests.support.tcp_proxy PORT``.

A process of its own, because a driver may hold Python's lock while it waits for an answer.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from tests.support.paths import ROOT


class Way(StrEnum):
    """Where bytes go."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Break:
    """When a connection breaks: where ``words`` come by one way, or where so many bytes have.

    What would have been passed on then is lost. Other connections live, and new ones can be made.

    :param after: what a request must have held before, or empty.
    :param nth: how many occurrences of ``words`` pass.
    :param silent: the connection stays, and nothing passes any more.
    """

    way: Way
    words: bytes = b""
    after: bytes = b""
    nth: int = 0
    after_bytes: int = 0
    silent: bool = False


class Proxy:
    """The test's end of the process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._heard())

    def arm(self, plan: Break | None) -> None:
        """From now on, and counted from now on; None for a line that holds."""
        given = asdict(plan) | {"words": plan.words.hex(), "after": plan.after.hex()} if plan else None
        self._tell({"arm": given})

    def end(self) -> None:
        """No line any more, and nobody who answers."""
        self._process.kill()
        self._process.wait()

    @property
    def broke(self) -> bool:
        """Whether the break has happened since it was armed."""
        return bool(self._tell({})["broke"])

    @property
    def sent(self) -> int:
        """Bytes of requests since the line was armed."""
        return int(self._tell({})["sent"])

    def _tell(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._heard())
        return answer

    def _heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """A line to a port of this machine, which ends with the block."""
    command = [sys.executable, "-m", "tests.support.tcp_proxy", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Proxy(process)
        finally:
            process.kill()


@dataclass(slots=True)
class _State:
    """The break to come, shared by all connections, and how near it is."""

    plan: Break | None = None
    broke: bool = False
    passed: Counter[Way] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ready: bool = False
    _seen: int = 0

    def arm(self, plan: Break | None) -> None:
        with self._lock:
            self.plan, self.broke, self._seen = plan, False, 0
            self._ready = not (plan and plan.after)
            self.passed.clear()

    def breaks(self, way: Way, before: bytes, received: bytes) -> bool:
        """Whether these bytes are not to arrive; ``before`` is the end of what came ahead of them."""
        with self._lock:
            self.passed[way] += len(received)
            if self.plan is None or self.broke:
                return False
            if not self._ready:
                self._ready = way is Way.REQUEST and self.plan.after in before + received
            elif way is self.plan.way:
                self.broke = self._reached(self.plan, before, received)
            return self.broke

    def _reached(self, plan: Break, before: bytes, received: bytes) -> bool:
        if not plan.words:
            return self.passed[plan.way] > plan.after_bytes
        self._seen += (before[-len(plan.words) + 1 :] + received).count(plan.words)
        return self._seen > plan.nth


def _pump(source: socket.socket, target: socket.socket, way: Way, state: _State) -> None:
    before = b""
    with suppress(OSError):
        while received := source.recv(1 << 16):
            if state.breaks(way, before, received):
                if state.plan is not None and state.plan.silent:
                    threading.Event().wait()
                break
            target.sendall(received)
            before = received[-100:]
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, port: int, state: _State) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        for source, target, way in ((client, server, Way.REQUEST), (server, client, Way.ANSWER)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_pump, args=(source, target, way, state), daemon=True).start()


def _say(words: object) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _read(given: dict[str, Any]) -> Break:
    words = {name: bytes.fromhex(given[name]) for name in ("words", "after")}
    return Break(**{**given, **words, "way": Way(given["way"])})


def main() -> None:
    state = _State()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, int(sys.argv[1]), state), daemon=True).start()
        _say(listener.getsockname()[1])
        for line in sys.stdin:
            order = json.loads(line)
            if "arm" in order:
                state.arm(_read(order["arm"]) if order["arm"] else None)
            _say(json.dumps({"broke": state.broke, "sent": state.passed[Way.REQUEST]}))


if __name__ == "__main__":
    main()
