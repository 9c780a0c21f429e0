"""A Slack that listens on this machine, behind the connection that Spine's messages go to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WEBHOOK_PASSWORD = "T000/B000/secret"


class Webhook(BaseHTTPRequestHandler):
    bodies: list[dict[str, str]] = []  # noqa: RUF012 - one list for the one server of a test
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(json.loads(body))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"ok" if self.status == 200 else b"no_service")

    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def listening_webhook() -> Iterator[tuple[type[Webhook], dict[str, str]]]:
    """What it was sent, and the connection that leads to it."""
    handler = type("Webhook", (Webhook,), {"bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_address[1]}/services/"
        yield handler, {"conn_type": "slackwebhook", "host": host, "password": WEBHOOK_PASSWORD}
        server.shutdown()
