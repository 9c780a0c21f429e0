"""Any HTTP endpoint: the message as JSON, signed where a secret is agreed."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from spine.alerts.channel import ChannelSettings, Delivered
from spine.alerts.channels.http import base_url, call

if TYPE_CHECKING:
    from spine.alerts.messages import Message
    from spine.pipelines.connections import Connections

SIGNATURE = "X-Spine-Signature"


def render(message: Message) -> dict[str, Any]:
    """The message with all it has, and a version of the form."""
    return {"version": 1, **message.to_dict()}


def signature(body: bytes, secret: str) -> str:
    """``sha256=`` and the HMAC of the body, byte for byte as it is sent."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


class WebhookChannel:
    """Connection type ``http``: host, and a password that is the secret of the signature. Option: ``path``."""

    def __init__(self, settings: ChannelSettings, connections: Connections) -> None:
        details = connections.details(settings.conn_id or "spine_webhook")
        path = str(settings.option("path", ""))
        self._url = f"{base_url(details)}/{path.lstrip('/')}" if path else base_url(details)
        self._secret = details.password
        self._who = f"the webhook of connection {details.conn_id}"

    def send(self, message: Message, reference: str = "") -> Delivered:
        """:raises SpineError: see spine.alerts.channels.http."""
        body = json.dumps(render(message), ensure_ascii=False).encode()
        headers = {SIGNATURE: signature(body, self._secret)} if self._secret else {}
        response = call("POST", self._url, self._who, content=body, headers=headers)
        return Delivered(response=str(response.status_code))
