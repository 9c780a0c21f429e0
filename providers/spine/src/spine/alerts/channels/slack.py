"""Slack: an incoming webhook, or the Web API, which can change what it said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from spine.alerts.channel import ChannelSettings, Delivered
from spine.alerts.channels.http import base_url, call, clipped, retry_after
from spine.alerts.channels.words import colour, headline, how_often, is_resolved
from spine.alerts.model import AlertSeverity
from spine.core.errors import ConfigurationError, PermissionDenied, RateLimitError, TransientError

if TYPE_CHECKING:
    from spine.alerts.messages import Message
    from spine.pipelines.connections import Connections

_EMOJI = {
    AlertSeverity.CRITICAL: ":rotating_light:",
    AlertSeverity.ERROR: ":x:",
    AlertSeverity.WARNING: ":warning:",
    AlertSeverity.INFO: ":information_source:",
}
_MOST_TEXT, _MOST_FIELDS, _MOST_VALUE = 2900, 20, 200  # Slack: 3,000 characters of a text, and what people will read


def render(message: Message) -> dict[str, Any]:
    """The message as Slack takes it: a text for notifications, and one attachment with colour and fields."""
    emoji = ":white_check_mark:" if is_resolved(message) else _EMOJI[message.severity]
    body = [message.body, *(f"\N{BULLET} {line}" for line in message.lines)]
    body += [f"_{often}_"] if (often := how_often(message)) else []
    fields = [("Source", message.source), ("Environment", message.environment), *message.fields.items()]
    attachment: dict[str, Any] = {
        "color": colour(message),
        "title": escaped(f"{emoji} {headline(message)}"),
        "fallback": escaped(headline(message)),
        "text": clipped(escaped("\n".join(body)), _MOST_TEXT),
        "fields": [
            {"title": escaped(name), "value": clipped(escaped(value), _MOST_VALUE), "short": len(value) < 40}
            for name, value in fields[:_MOST_FIELDS]
        ],
        "footer": "Spine",
        "mrkdwn_in": ["text"],
    }
    if message.run_url:
        attachment["title_link"] = message.run_url
    return {"text": clipped(escaped(headline(message)), _MOST_TEXT), "attachments": [attachment]}


def escaped(text: str) -> str:
    """Text in which Slack finds no mention, link or markup of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class SlackWebhookChannel:
    """An incoming webhook, connection type ``slackwebhook``: it is tied to one channel and cannot change what it said."""

    def __init__(self, settings: ChannelSettings, connections: Connections) -> None:
        details = connections.details(settings.conn_id or "spine_slack")
        if not details.password:
            raise ConfigurationError(f"connection {details.conn_id!r} has no webhook token in its password")
        token = details.password
        self._url = (
            token if "://" in token else f"{base_url(details, 'https://hooks.slack.com/services')}/{token.lstrip('/')}"
        )
        self._who = f"Slack (connection {details.conn_id})"

    def send(self, message: Message, reference: str = "") -> Delivered:
        """:raises SpineError: see spine.alerts.channels.http."""
        response = call("POST", self._url, self._who, body=render(message))
        return Delivered(response=response.text[:200])


_FINAL = ("channel_not_found", "not_in_channel", "is_archived", "invalid_auth", "not_authed", "account_inactive")
_DENIED = ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "missing_scope")


class SlackApiChannel:
    """The Web API, connection type ``slack`` (token in the password). Option: ``channel``. The end of an alert changes its
    first message and is told below it."""

    def __init__(self, settings: ChannelSettings, connections: Connections) -> None:
        details = connections.details(settings.conn_id or "spine_slack_api")
        self._channel = str(settings.option("channel", ""))
        if not self._channel:
            raise ConfigurationError(f"channel '{settings.name}' needs the option 'channel', such as #data-ops")
        self._url = base_url(details, str(details.extra.get("base_url") or "https://slack.com/api"))
        self._token = details.password
        self._who = f"Slack (connection {details.conn_id})"

    def send(self, message: Message, reference: str = "") -> Delivered:
        """:raises SpineError: see spine.alerts.channels.http."""
        place = json.loads(reference) if reference else {}
        body = {"channel": place.get("channel", self._channel), **render(message)}
        if is_resolved(message) and place:
            self._call("chat.update", {**body, "ts": place["ts"]})
            body["thread_ts"] = place["ts"]
        answer = self._call("chat.postMessage", body)
        said = place if is_resolved(message) and place else {"channel": answer["channel"], "ts": answer["ts"]}
        return Delivered(json.dumps(said), "ok")

    def _call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}"}
        response = call("POST", f"{self._url}/{method}", self._who, body=body, headers=headers)
        answer: dict[str, Any] = response.json()
        if answer.get("ok"):
            return answer
        error = str(answer.get("error", "unknown_error"))
        said = f"{self._who} refused {method}: {error}"
        if error == "ratelimited":
            raise RateLimitError(said, retry_after=retry_after(response.headers))
        if error in _DENIED:
            raise PermissionDenied(f"{said}; check the token of its connection")
        if error in _FINAL or error.startswith("invalid_"):
            raise ConfigurationError(f"{said}; check the option 'channel', and that the app is in it")
        raise TransientError(said)
