"""What people may set about a server that is asked for rows, checked once. Secrets show in no ``repr`` and no error."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit, urlunsplit

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean

DEFAULT_PORTS = {"http": 80, "https": 443}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")
_AUTH_OPTIONS = {
    "api_key": {"type", "value", "header"},
    "bearer": {"type", "token"},
    "basic": {"type", "user", "password"},
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """One header that opens the door."""

    header: str
    value: str = field(repr=False)


def parse_auth(auth: Mapping[str, Any] | None) -> Credentials | None:
    """Credentials from ``{type: api_key, value, header}``, ``{type: bearer, token}`` or ``{type: basic, user, password}``.

    :raises ConfigurationError: an unknown type or option, a missing one, or text that no header can carry.
    """
    if auth is None:
        return None
    kind = str(auth.get("type"))
    if kind not in _AUTH_OPTIONS:
        raise ConfigurationError(f"Unknown auth type '{kind}'; {did_you_mean(kind, _AUTH_OPTIONS)}")
    for option in auth.keys() - _AUTH_OPTIONS[kind]:
        raise ConfigurationError(
            f"auth of type {kind} has no option '{option}'; {did_you_mean(option, _AUTH_OPTIONS[kind])}"
        )
    match kind:
        case "api_key":
            found = Credentials(str(auth.get("header") or "X-API-Key"), _secret(auth, "value"))
        case "bearer":
            found = Credentials("Authorization", f"Bearer {_secret(auth, 'token')}")
        case _:
            pair = f"{_secret(auth, 'user')}:{auth.get('password') or ''}"
            found = Credentials("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    checked_headers({found.header: found.value})
    return found


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """
    :raises ConfigurationError: a name or value that HTTP cannot carry; the value is not repeated.
    """
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no name for an HTTP header")
        if not _HEADER_VALUE.fullmatch(str(value)):
            raise ConfigurationError(f"The value of header '{name}' has characters that a header cannot carry")
    return {name: str(value) for name, value in headers.items()}


def checked_url(url: str) -> SplitResult:
    """
    :raises ConfigurationError: not http or https, no host, or credentials inside it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError("The URL cannot be read; expected https://host/path") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port == 0:
        raise ConfigurationError(f"'{shown_url(url)}' is no URL of a server; expected http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            f"The URL of {parts.hostname} holds a user or a password; set auth, or put them in the connection"
        )
    return parts


def shown_url(url: str) -> str:
    """The URL as people may see it: without user, password, query and fragment, where secrets hide."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        shown_host = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit((parts.scheme, f"{shown_host}{port}", parts.path, "", ""))
    except ValueError:
        return "an unreadable URL"


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: what may see the same credentials."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or DEFAULT_PORTS.get(parts.scheme, 0)


def may_follow(start: str, target: str) -> bool:
    """Whether credentials for ``start`` may go to ``target``: the same origin, or the same host's step up to TLS."""
    if origin(start) == origin(target):
        return True
    upgraded = (("http", 80), ("https", 443))
    return origin(start)[1] == origin(target)[1] and (origin(start)[::2], origin(target)[::2]) == upgraded


def split_query(url: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The URL without its query, and the query with ``params`` laid over it; a param that is None is left out."""
    parts = checked_url(url)
    merged: dict[str, Any] = {**parse_qs(parts.query, keep_blank_values=True), **params}
    plain = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    return plain, {name: value for name, value in merged.items() if value is not None}


def _secret(auth: Mapping[str, Any], option: str) -> str:
    value = auth.get(option)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"auth of type {auth['type']} needs '{option}', a text that is not empty")
    return value
