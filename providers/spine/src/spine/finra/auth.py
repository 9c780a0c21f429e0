"""Who asks: nobody (keyless), or a client id and secret exchanged for a token that lives about twelve hours."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from spine.core.errors import ConfigurationError, PermissionDenied, SourceError
from spine.core.retrying import RetryBudget
from spine.finra.answers import Answer
from spine.finra.transport import Call, Transport

REFRESH_EARLY = 60.0  # seconds
UNTOLD_LIFETIME = 1500.0  # where the answer does not say; FINRA's tokens live 43,200 s
_GRANT = "grant_type=client_credentials"


@dataclass(frozen=True, slots=True)
class FinraCredentials:
    """Of FINRA's API console. The secret shows in no repr."""

    client_id: str
    client_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.client_id or not self.client_secret:
            missing = "client secret (password)" if self.client_id else "client id (login)"
            raise ConfigurationError(
                f"FINRA credentials lack the {missing}; give both, or neither to ask without a key"
            )


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    good_until: float


class TokenSource:
    """One token for all threads, fetched when first needed and renewed a minute before it ends.

    :param on_token: told each new token, so that a log may mask it.
    """

    def __init__(
        self,
        transport: Transport,
        token_url: str,
        credentials: FinraCredentials,
        *,
        on_token: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        require_private_way(token_url)
        joined = f"{credentials.client_id}:{credentials.client_secret}"
        self._basic = base64.b64encode(joined.encode()).decode()
        self._transport = transport
        self._url = token_url
        self._on_token = on_token
        self._clock = clock
        self._token: _Token | None = None
        self._lock = threading.Lock()
        transport.redact.learn(credentials.client_secret, self._basic)

    def token(self, budget: RetryBudget) -> str:
        """A token that is good for now.

        :raises PermissionDenied: FINRA refused the credentials.
        """
        with self._lock:
            if self._token is None or self._clock() >= self._token.good_until:
                self._token = self._fetch(budget)
            return self._token.value

    def forget(self, value: str) -> None:
        """FINRA refused this token; another thread may have fetched a newer one meanwhile."""
        with self._lock:
            if self._token and self._token.value == value:
                self._token = None

    def _fetch(self, budget: RetryBudget) -> _Token:
        joint = "&" if urlsplit(self._url).query else "?"
        headers = {"Authorization": f"Basic {self._basic}", "Accept": "application/json"}
        asked_at = self._clock()
        try:
            answer = self._transport.send(Call("POST", f"{self._url}{joint}{_GRANT}", headers, b""), budget)
        except SourceError as error:
            if error.context.get("status") != 400:
                raise
            # FINRA's login answers 400 as well as 401 to a wrong secret.
            raise PermissionDenied(
                f"{error.message}. The client id or secret is wrong: check login and password of the connection",
                context=error.context,
            ) from error
        return self._read(answer, asked_at)

    def _read(self, answer: Answer, asked_at: float) -> _Token:
        said = answer.json_object()
        value = said.get("access_token")
        if not isinstance(value, str) or not value or not value.isprintable():
            raise SourceError(
                f"{answer.where} answered {answer.status} with {answer.content_type or 'no content type'} and no "
                "access_token. Check token_url of the connection"
            )
        self._transport.redact.learn(value)
        if self._on_token:
            self._on_token(value)
        lifetime = _seconds(said.get("expires_in"))
        return _Token(value, asked_at + lifetime - min(REFRESH_EARLY, lifetime / 2))


def require_private_way(url: str) -> None:
    """Secrets travel encrypted, except to this machine or to a neighbour container (a host name without a dot).

    :raises ConfigurationError: the URL is plain http to somewhere else.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    near = host.startswith("127.") or host == "::1" or (host and "." not in host and ":" not in host)
    if parts.scheme != "https" and not near:
        raise ConfigurationError(f"{url.partition('?')[0]} would send credentials unencrypted; use https")


def _seconds(told: object) -> float:
    """``expires_in``, which FINRA documents as a number and sometimes sends as text."""
    try:
        seconds = float(str(told))
    except ValueError:
        return UNTOLD_LIFETIME
    return seconds if 0 < seconds < 10**7 else UNTOLD_LIFETIME
