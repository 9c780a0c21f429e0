"""The services that alerts go to, as servers on this machine that behave as theirs do, errors and limits included."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from spine.pipelines.connections import ConnectionDetails
from tests.support.http_server import Asked, Reply, json_reply


@dataclass(slots=True)
class PagerDuty:
    """Events API v2: 202, and 400 for what it does not understand; one incident for each dedup_key."""

    incidents: dict[str, str] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        event = json.loads(asked.body)
        faults = [name for name in ("routing_key", "event_action") if not event.get(name)]
        if event.get("event_action") == "trigger":
            payload = event.get("payload", {})
            faults += [name for name in ("summary", "source", "severity") if not payload.get(name)]
            faults += ["summary too long"] if len(payload.get("summary", "")) > 1024 else []
            faults += ["severity"] if payload.get("severity") not in ("info", "warning", "error", "critical") else []
        if faults or asked.path != "/v2/enqueue":
            return Reply(json.dumps({"status": "invalid event", "errors": faults}).encode(), 400)
        self.incidents[event["dedup_key"]] = event["event_action"]
        body = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
        return Reply(json.dumps(body).encode(), 202, {"Content-Type": "application/json"})


@dataclass(slots=True)
class ServiceNow:
    """The table API's incidents, with basic auth."""

    login: str = "spine"
    password: str = "pa:ss"
    incidents: dict[str, dict[str, str]] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        import base64

        if self.replies:
            return self.replies.pop(0)
        wanted = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {wanted}":
            return Reply(b'{"error": {"message": "User Not Authenticated"}}', 401)
        body = json.loads(asked.body) if asked.body else {}
        if asked.method == "GET":
            wanted_id = asked.query["sysparm_query"].split("^")[0].removeprefix("correlation_id=")
            open_ones = [
                each
                for each in self.incidents.values()
                if each["correlation_id"] == wanted_id and each.get("state", "1") not in ("6", "7", "8")
            ]
            return json_reply({"result": open_ones[:1]})
        if asked.method == "POST":
            number = f"INC{len(self.incidents) + 1:07}"
            self.incidents[number] = {**body, "number": number, "sys_id": f"id-{number}", "state": "1"}
            return Reply(json.dumps({"result": self.incidents[number]}).encode(), 201)
        number = asked.path.rpartition("id-")[2]
        self.incidents[number].update(body)
        return json_reply({"result": self.incidents[number]})


@dataclass(slots=True)
class SlackApi:
    """chat.postMessage and chat.update: 200 whatever happens, and ``ok`` says what did."""

    token: str = "xoxb-secret"
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        if self.errors:
            error, headers = self.errors.pop(0)
            return Reply(json.dumps({"ok": False, "error": error}).encode(), 429 if headers else 200, headers)
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return json_reply({"ok": False, "error": "invalid_auth"})
        body = json.loads(asked.body)
        if asked.path.endswith("chat.update"):
            self.messages[body["ts"]] = body
            return json_reply({"ok": True, "channel": body["channel"], "ts": body["ts"]})
        ts = f"1700000000.{len(self.messages):06}"
        self.messages[ts] = body
        return json_reply({"ok": True, "channel": "C123", "ts": ts})


@dataclass(slots=True)
class MailServer:
    """An SMTP server with STARTTLS and a login."""

    port: int
    authority: str
    mails: list[EmailMessage]
    login: str = "spine"
    password: str = "mail-secret"
    refuse: str = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def connection(self, **other: Any) -> ConnectionDetails:
        values = {"login": self.login, "password": self.password, "port": self.port, **other}
        extra = {"disable_ssl": True, "ca_certificate": self.authority, "timeout": 5}
        return ConnectionDetails("spine_smtp", "smtp", host="localhost", extra=extra, **values)


@contextmanager
def mail_server(folder: Any) -> Iterator[MailServer]:
    """Serve until the block ends."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    server = MailServer(0, str(folder / "ca.pem"), [])

    def authenticate(_: Any, __: Any, ___: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (
            server.login.encode(), server.password.encode(),
        )  # fmt: skip
        return AuthResult(success=good, handled=False)

    controller = Controller(
        server, hostname="localhost", port=_free_port(), tls_context=context, require_starttls=True, authenticator=authenticate,
        auth_required=True,
    )  # fmt: skip
    controller.start()
    try:
        server.port = controller.port
        yield server
    finally:
        controller.stop()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
