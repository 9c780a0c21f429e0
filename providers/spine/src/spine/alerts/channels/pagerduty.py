"""PagerDuty's Events API v2: an incident for each group of alerts, resolved with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spine.alerts.channel import ChannelSettings, Delivered
from spine.alerts.channels.http import base_url, call, clipped
from spine.alerts.channels.words import headline, how_often, is_resolved
from spine.core.errors import ConfigurationError

if TYPE_CHECKING:
    from spine.alerts.messages import Message
    from spine.pipelines.connections import Connections

_MOST_SUMMARY, _MOST_DETAIL = 1024, 2000  # PagerDuty's, and what a phone shows


def render(message: Message, routing_key: str) -> dict[str, Any]:
    """The event. One dedup key for a group: PagerDuty makes one incident of it however often it is sent."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if is_resolved(message) else "trigger",
        "dedup_key": message.dedup_key,
    }
    if is_resolved(message):
        return event
    details = {
        "message": message.body,
        "how_often": how_often(message),
        "also": "\n".join(message.lines),
        **message.fields,
    }
    event["payload"] = {
        "summary": clipped(headline(message), _MOST_SUMMARY),
        "source": f"spine/{message.environment}",
        "severity": str(message.severity).lower(),
        "component": message.fields.get("Workflow") or message.source,
        "group": message.fields.get("Domain", ""),
        "class": message.fields.get("Category", ""),
        "custom_details": {name: clipped(value, _MOST_DETAIL) for name, value in details.items() if value},
    }
    if message.run_url:
        event["links"] = [{"href": message.run_url, "text": "The run in Airflow"}]
    return event


class PagerDutyChannel:
    """Connection type ``pagerduty_events``: the integration key in its password; a host only where it is not PagerDuty's own."""

    def __init__(self, settings: ChannelSettings, connections: Connections) -> None:
        details = connections.details(settings.conn_id or "spine_pagerduty")
        if not details.password:
            raise ConfigurationError(f"connection {details.conn_id!r} has no integration key in its password")
        self._key = details.password
        self._url = f"{base_url(details, 'https://events.pagerduty.com')}/v2/enqueue"
        self._who = f"PagerDuty (connection {details.conn_id})"

    def send(self, message: Message, reference: str = "") -> Delivered:
        """:raises SpineError: see spine.alerts.channels.http."""
        answer = call("POST", self._url, self._who, body=render(message, self._key)).json()
        return Delivered(str(answer.get("dedup_key", message.dedup_key)), str(answer.get("status", "")))
