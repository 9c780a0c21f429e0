"""What other rooms call to tell people something: raise it in the outbox, and let it be delivered soon.

Telling never fails what it tells of. Where the database cannot take the alert, it goes out at once by the same routes.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

from spine.alerts.config import AlertConfig, labels_of, load_alert_config
from spine.alerts.delivery import Clock, Round, deliver
from spine.alerts.messages import message_of
from spine.alerts.outbox import clean, raise_alert
from spine.alerts.routing import ways
from spine.core.errors import SpineError, as_spine_error

if TYPE_CHECKING:
    from spine.alerts.model import Alert
    from spine.core.settings import Settings
    from spine.pipelines.connections import Connections
    from spine.storage.base import Storage

log = logging.getLogger(__name__)


def tell(alert: Alert, storage: Storage, settings: Settings, connections: Connections, clock: Clock) -> bool:
    """Raise an alert and deliver what is due, without waiting for another who delivers; whether it is in the outbox."""
    try:
        raise_alert(storage, alert, clock())
    except Exception as error:  # noqa: BLE001 - telling never fails what it tells of
        log.warning("the alert '%s' could not be stored: %s", alert.title, as_spine_error(error).message)
        emergency(alert, settings, connections, clock())
        return False
    deliver_soon(storage, settings, connections, clock)
    return True


def deliver_soon(storage: Storage, settings: Settings, connections: Connections, clock: Clock) -> Round | None:
    """One round of delivery, unless somebody else is at it. What goes wrong is in the log, and waits for the next round."""
    try:
        config = with_connections(load_alert_config(settings.include_dir, settings.environment), connections)
        return deliver(storage, config, connections, clock=clock)
    except Exception as error:  # noqa: BLE001 - telling never fails what it tells of
        log.warning("alerts wait for the next delivery: %s", as_spine_error(error).message)
        return None


def emergency(alert: Alert, settings: Settings, connections: Connections, now: dt.datetime) -> int:
    """Send an alert at once, by its routes, unthrottled and unrecorded; how many channels took it."""
    from spine.alerts.channel import open_channel

    try:
        config = with_connections(load_alert_config(settings.include_dir, settings.environment), connections)
    except SpineError as error:
        log.error("the alert '%s' reaches nobody: %s", alert.title, error.message)
        return 0
    took, alert = 0, clean(alert)
    for way in ways(alert, labels_of(alert, config.environment), config):
        message = message_of(
            [(alert, 1)], dedup_key=way.group_key, environment=config.environment, first_at=now, last_at=now
        )
        try:
            open_channel(config.channels[way.channel].settings, connections).send(message)
            took += 1
        except Exception as error:  # noqa: BLE001 - the other channels still hear of it
            log.error("alert channel %s did not take '%s': %s", way.channel, alert.title, as_spine_error(error).message)
    return took


def with_connections(config: AlertConfig, connections: Connections) -> AlertConfig:
    """The same without channels whose connection nobody has made: they are not switched on."""
    from dataclasses import replace

    from spine.core.errors import ConfigurationError

    def is_on(name: str) -> bool:
        conn_id = config.channels[name].settings.conn_id
        try:
            if conn_id:
                connections.details(conn_id)
        except ConfigurationError:
            return False
        return True

    there = {name: rule for name, rule in config.channels.items() if is_on(name)}
    routes = tuple(
        replace(route, channels=tuple(name for name in route.channels if name in there)) for route in config.routes
    )
    return replace(config, channels=there, routes=routes)
