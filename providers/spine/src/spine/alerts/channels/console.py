"""The log of whoever delivers: the channel that needs nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from spine.alerts.channel import ChannelSettings, Delivered
from spine.alerts.channels.words import plain_text
from spine.alerts.model import AlertSeverity

if TYPE_CHECKING:
    from spine.alerts.messages import Message
    from spine.pipelines.connections import Connections

log = logging.getLogger("spine.alerts")

_LEVELS = {
    AlertSeverity.CRITICAL: logging.CRITICAL,
    AlertSeverity.ERROR: logging.ERROR,
    AlertSeverity.WARNING: logging.WARNING,
    AlertSeverity.INFO: logging.INFO,
}


class ConsoleChannel:
    """Options: none."""

    def __init__(self, settings: ChannelSettings, connections: Connections) -> None:
        self.settings = settings

    def send(self, message: Message, reference: str = "") -> Delivered:
        log.log(_LEVELS[message.severity], "%s", plain_text(message))
        return Delivered()
