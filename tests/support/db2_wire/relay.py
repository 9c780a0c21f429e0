"""A TCP relay between IBM's driver and Derby: ``python -m tests.support.db2_wire.relay DERBY_PORT``.

A process of its own, because the driver may hold Python's lock while it waits for an answer. Prints its port.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from tests.support.db2_wire.frames import Decoder, NotDrda
from tests.support.db2_wire.rewrites import to_derby, to_driver


def serve(listener: socket.socket, derby_port: int) -> None:
    """Relay every connection until the process ends."""
    while True:
        client, _ = listener.accept()
        derby = socket.create_connection(("127.0.0.1", derby_port))
        for source, target, rewrite in ((client, derby, to_derby), (derby, client, to_driver)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_pump, args=(source, target, rewrite), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, rewrite: Callable[[bytes], bytes]) -> None:
    decoder = Decoder()
    # Whoever goes first, the other one is told by the end of its connection.
    with suppress(OSError, NotDrda):
        while received := source.recv(1 << 18):
            # Derby holds a value that follows its row until the row is acknowledged, which would take 40 ms.
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            messages = [replace(message, payload=rewrite(message.payload)) for message in decoder.feed(received)]
            target.sendall(b"".join(message.encode() for message in messages))
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        serve(listener, int(sys.argv[1]))


if __name__ == "__main__":
    main()
