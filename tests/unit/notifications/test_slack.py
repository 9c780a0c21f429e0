"""Messages reach a webhook that listens, and nobody listening is no error."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spine.core.errors import DependencyError
from spine.notifications.slack import SlackMessages


class _Webhook(BaseHTTPRequestHandler):
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


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Webhook]]:
    handler = type("Webhook", (_Webhook,), {"bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_address[1]}/services/"
        connection = {"conn_type": "slackwebhook", "host": host, "password": "T000/B000/secret"}
        monkeypatch.setenv("AIRFLOW_CONN_SPINE_SLACK", json.dumps(connection))
        yield handler
        server.shutdown()


def test_a_message_reaches_the_channel(webhook: type[_Webhook]) -> None:
    assert SlackMessages().send("the week is in", channel="#data-ops")
    assert webhook.bodies == [{"text": "the week is in"}]


def test_nobody_listening_is_told_and_is_no_error(monkeypatch: pytest.MonkeyPatch, airflow_env: object) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SPINE_SLACK", raising=False)
    assert not SlackMessages().send("the week is in", channel="#data-ops")


def test_a_refusal_does_not_show_the_webhook_secret(webhook: type[_Webhook]) -> None:
    webhook.status = 500
    with pytest.raises(DependencyError) as caught:
        SlackMessages().send("the week is in", channel=None)
    assert "secret" not in str(caught.value)
