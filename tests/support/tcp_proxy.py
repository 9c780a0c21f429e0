"""A line between a test and a server that breaks when it is told to: ``python -m tests.support.tcp_proxy PORT``.

A process of its own, because a driver may hold Python's lock while it waits for an answer.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
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
    """When a connection breaks: at the n-th occurrence of ``words`` one way, or else after so many bytes.

    What would have been passed on then is lost. Other connections live, and new ones can be made.

    :param silent: the connection stays, and nothing passes any more.
    """

    way: Way
    words: bytes = b""
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
        self._tell({"arm": {**asdict(plan), "words": plan.words.hex()} if plan else None})

    @property
    def broke(self) -> bool:
        """Whether the break has happened since it was armed."""
        return self._tell({}) == "broke"

    def _tell(self, order: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._heard()

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
class _Plan:
    """A break to come, shared by all connections."""

    plan: Break | None = None
    broke: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: int = 0
    _bytes: int = 0

    def arm(self, plan: Break | None) -> None:
        with self._lock:
            self.plan, self.broke, self._seen, self._bytes = plan, False, 0, 0

    def breaks(self, way: Way, before: bytes, received: bytes) -> bool:
        """Whether these bytes are not to arrive. ``before`` is the end of what came ahead of them."""
        with self._lock:
            if self.plan is None or self.broke or way != self.plan.way:
                return False
            if self.plan.words:
                self._seen += (before + received).count(self.plan.words)
                self.broke = self._seen > self.plan.nth
            else:
                self._bytes += len(received)
                self.broke = self._bytes > self.plan.after_bytes
            return self.broke


def _pump(source: socket.socket, target: socket.socket, way: Way, plan: _Plan) -> None:
    before = b""
    with suppress(OSError):
        while received := source.recv(1 << 16):
            if plan.breaks(way, before, received):
                if plan.plan is not None and plan.plan.silent:
                    threading.Event().wait()
                break
            target.sendall(received)
            keep = len(plan.plan.words) - 1 if plan.plan and plan.plan.words else 0
            before = (before + received)[-keep:] if keep else b""
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, port: int, plan: _Plan) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        for source, target, way in ((client, server, Way.REQUEST), (server, client, Way.ANSWER)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_pump, args=(source, target, way, plan), daemon=True).start()


def _say(words: object) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    plan = _Plan()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, int(sys.argv[1]), plan), daemon=True).start()
        _say(listener.getsockname()[1])
        for line in sys.stdin:
            order = json.loads(line)
            if "arm" in order:
                given = order["arm"]
                plan.arm(Break(**{**given, "words": bytes.fromhex(given["words"])}) if given else None)
            _say("broke" if plan.broke else "holds")


if __name__ == "__main__":
    main()
