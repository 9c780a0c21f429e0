"""What a channel is, and which kinds there are. A kind's module is imported when a channel of it is first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean

if TYPE_CHECKING:
    from spine.alerts.messages import Message
    from spine.pipelines.connections import Connections


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side took it.

    :param reference: what it calls the message or the incident there; a later message of the group is given it again.
    """

    reference: str = ""
    response: str = ""


class Channel(Protocol):
    """Somewhere that people listen."""

    def send(self, message: Message, reference: str = "") -> Delivered:
        """Deliver it.

        :param reference: of the last delivery of the same group, or empty.
        :raises SpineError: it was not taken; a retryable one is tried again, others are given up.
        """


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """A channel as alerts.yaml has it. ``conn_id`` empty: it needs none."""

    name: str
    kind: str
    conn_id: str = ""
    options: Mapping[str, Any] | None = None

    def option(self, name: str, default: Any = None) -> Any:
        return (self.options or {}).get(name, default)


CHANNEL_KINDS: dict[str, str] = {
    "console": "spine.alerts.channels.console:ConsoleChannel",
    "slack": "spine.alerts.channels.slack:SlackWebhookChannel",
    "slack_api": "spine.alerts.channels.slack:SlackApiChannel",
    "email": "spine.alerts.channels.mail:EmailChannel",
    "pagerduty": "spine.alerts.channels.pagerduty:PagerDutyChannel",
    "servicenow": "spine.alerts.channels.servicenow:ServiceNowChannel",
    "webhook": "spine.alerts.channels.webhook:WebhookChannel",
}


def open_channel(settings: ChannelSettings, connections: Connections) -> Channel:
    """:raises ConfigurationError: no such kind, or it is not set up rightly."""
    if settings.kind not in CHANNEL_KINDS:
        raise ConfigurationError(
            f"channel '{settings.name}': no kind '{settings.kind}'; {did_you_mean(settings.kind, CHANNEL_KINDS)}"
        )
    module, _, name = CHANNEL_KINDS[settings.kind].partition(":")
    build: Callable[[ChannelSettings, Connections], Channel] = getattr(importlib.import_module(module), name)
    return build(settings, connections)
