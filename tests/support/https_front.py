"""An HTTPS proxy that plays other hosts: what is meant for them arrives, decrypted, at a server of this machine.

A client whose addresses cannot be changed is pointed at it from outside, by HTTPS_PROXY and SSL_CERT_FILE.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import trustme


class _Tunnel(socketserver.BaseRequestHandler):
    """One CONNECT: the host is not looked up, only shown in the certificate."""

    server: _Front

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            received = self.request.recv(4096)
            if not received:
                return
            head += received
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with (
            suppress(OSError),
            self.server.tls.wrap_socket(self.request, server_side=True) as outside,
            socket.create_connection(("127.0.0.1", self.server.port)) as inside,
        ):
            back = threading.Thread(target=_pump, args=(inside, outside))
            back.start()
            _pump(outside, inside)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while received := source.recv(65536):
            sink.sendall(received)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


class _Front(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.port = port
        self.tls = tls


@contextmanager
def https_front(port: int, hosts: Sequence[str], folder: Path) -> Iterator[dict[str, str]]:
    """The environment under which ``https://<host>`` means the HTTP server on ``port``."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(tls)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    with _Front(port, tls) as front:
        threading.Thread(target=front.serve_forever, args=(0.05,), daemon=True).start()
        try:
            proxy = f"http://127.0.0.1:{front.server_address[1]}"
            yield {"HTTPS_PROXY": proxy, "SSL_CERT_FILE": str(folder / "authority.pem"), "NO_PROXY": ""}
        finally:
            front.shutdown()
