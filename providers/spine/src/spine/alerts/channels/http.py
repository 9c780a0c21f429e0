"""JSON to somebody's HTTP API, and what its answers mean for the dispatcher.

Errors name the connection, never a URL, and have no cause: its text and its request hold the URL, and with some services
that is the secret.
"""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    DependencyError,
    PermissionDenied,
    RateLimitError,
    SpineError,
    TransientError,
)

if TYPE_CHECKING:
    import httpx

    from spine.pipelines.connections import ConnectionDetails

TIMEOUT_SECONDS = 15.0
_LONGEST_WORDS = 200


def call(
    method: str,
    url: str,
    who: str,
    *,
    body: Any = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> httpx.Response:
    """One request; its answer when it is one of success.

    :param content: the body as bytes of JSON, in place of ``body``.
    :param who: the service and its connection, for messages.
    :raises SpineError: TIMEOUT, DEPENDENCY, TRANSIENT and RATE_LIMIT may be tried again, PERMISSION and CONFIGURATION not.
    """
    import httpx

    try:
        sent = {"content": content} if content is not None else {"json": body}
        kind = {"Content-Type": "application/json"} if content is not None else {}
        response = httpx.request(
            method, url, headers={**kind, **(headers or {})}, auth=auth, params=params, timeout=timeout, **sent
        )
    except httpx.TimeoutException:
        raise DeadlineExceeded(f"{who} did not answer within {timeout:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DependencyError(f"{who} cannot be reached: {type(error).__name__}") from None
    if response.is_success:
        return response
    raise refusal(response.status_code, response.headers, response.text, who)


def refusal(status: int, headers: Mapping[str, str], text: str, who: str) -> SpineError:
    """The error that an answer other than success is."""
    words = " ".join(text.split())[:_LONGEST_WORDS]
    said = f"{who} answered {status}{': ' if words else ''}{words}"
    if status == 429:
        return RateLimitError(said, retry_after=retry_after(headers))
    if status in (401, 403):
        return PermissionDenied(f"{said}; check the login of its connection")
    if status in (408, 425) or status >= 500:
        return TransientError(said)
    return ConfigurationError(f"{said}; check its connection and options")


def retry_after(headers: Mapping[str, str], otherwise: float = 60.0) -> float:
    """Seconds of a Retry-After header, which may be a number or a date."""
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(float(given), 1.0)
    except ValueError:
        pass
    try:
        import datetime as dt

        until = email.utils.parsedate_to_datetime(given)
        return max((until - dt.datetime.now(dt.UTC)).total_seconds(), 1.0)
    except (ValueError, TypeError):
        return otherwise


def base_url(details: ConnectionDetails, default: str = "") -> str:
    """Scheme, host and port of a connection, without a slash at the end.

    :raises ConfigurationError: it has no host, and there is no default.
    """
    host = details.host or default
    if not host:
        raise ConfigurationError(f"connection {details.conn_id!r} has no host")
    if "://" not in host:
        host = f"{details.schema or 'https'}://{host}"
    if details.port and details.host:
        host = f"{host.rstrip('/')}:{details.port}"
    return host.rstrip("/")


def clipped(text: str, most: int) -> str:
    """At most so many characters, an ellipsis at the end of what was longer."""
    return text if len(text) <= most else f"{text[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
