"""ServiceNow's table API: an incident for each group of alerts, found again by its correlation id, resolved with the group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from spine.alerts.channel import ChannelSettings, Delivered
from spine.alerts.channels.http import base_url, call, clipped
from spine.alerts.channels.words import headline, is_resolved, plain_text
from spine.alerts.model import AlertSeverity

if TYPE_CHECKING:
    from spine.alerts.messages import Message
    from spine.pipelines.connections import Connections

_MOST_SHORT, _MOST_LONG = 160, 4000  # ServiceNow's lengths of short_description and description
_IMPACT = {AlertSeverity.CRITICAL: "1", AlertSeverity.ERROR: "2", AlertSeverity.WARNING: "3", AlertSeverity.INFO: "3"}
_RESOLVED = {"state": "6", "close_code": "Resolved by caller"}
_TABLE = "api/now/table/incident"
_TIMEOUT = 30.0


def render(message: Message, options: dict[str, Any]) -> dict[str, str]:
    """The incident's fields; of a resolved one those that end it."""
    if is_resolved(message):
        notes = clipped(plain_text(message), _MOST_LONG)
        return {
            **_RESOLVED,
            "close_code": str(options.get("close_code", _RESOLVED["close_code"])),
            "close_notes": notes,
        }
    impact = _IMPACT[message.severity]
    incident = {
        "short_description": clipped(headline(message), _MOST_SHORT),
        "description": clipped(plain_text(message), _MOST_LONG),
        "impact": impact,
        "urgency": impact,
        "category": str(options.get("category", "Software")),
        "subcategory": str(options.get("subcategory", "Pipeline")),
        "correlation_id": message.dedup_key,
        "correlation_display": "Spine",
    }
    given = {name: str(options[name]) for name in ("assignment_group", "caller_id") if options.get(name)}
    return {**incident, **given}


class ServiceNowChannel:
    """Connection type ``http``: host of the instance, login and password of a user with the role ``itil``.

    Options: ``assignment_group``, ``caller_id``, ``category``, ``subcategory``, ``close_code``.
    """

    def __init__(self, settings: ChannelSettings, connections: Connections) -> None:
        details = connections.details(settings.conn_id or "spine_servicenow")
        self._url = f"{base_url(details)}/{_TABLE}"
        self._auth = (details.login, details.password)
        self._who = f"ServiceNow (connection {details.conn_id})"
        self._options = dict(settings.options or {})

    def send(self, message: Message, reference: str = "") -> Delivered:
        """An open incident of the group is brought up to date, so that what is sent twice is one incident.

        :raises SpineError: see spine.alerts.channels.http.
        """
        known = self._open(message.dedup_key)
        body = render(message, self._options)
        if known is None and is_resolved(message):
            return Delivered(response="no open incident")
        if known is None:
            result = self._call("POST", self._url, body)
            return Delivered(str(result.get("number", "")), "created")
        if not is_resolved(message):
            body = {"work_notes": body["description"], "impact": body["impact"], "urgency": body["urgency"]}
        self._call("PATCH", f"{self._url}/{quote(known['sys_id'], safe='')}", body)
        return Delivered(str(known.get("number", "")), "resolved" if is_resolved(message) else "updated")

    def _open(self, correlation_id: str) -> dict[str, Any] | None:
        """The incident of a group that nobody has resolved."""
        query = {
            "sysparm_query": f"correlation_id={correlation_id}^stateNOT IN6,7,8",
            "sysparm_fields": "sys_id,number,state",
            "sysparm_limit": "1",
        }
        found = self._call("GET", self._url, None, query)
        return found[0] if found else None

    def _call(self, method: str, url: str, body: Any, params: dict[str, str] | None = None) -> Any:
        headers = {"Accept": "application/json"}
        response = call(
            method, url, self._who, body=body, headers=headers, auth=self._auth, params=params, timeout=_TIMEOUT
        )
        return response.json().get("result")
