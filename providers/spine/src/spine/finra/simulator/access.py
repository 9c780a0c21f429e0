"""Who may call: tokens of the identity platform, calls without a key, and how many calls a minute."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets
import time
from collections import deque
from urllib.parse import parse_qsl

from spine.finra.simulator.clock import SimulatorClock
from spine.finra.simulator.messages import Answer, Refusal, Request, json_answer
from spine.finra.simulator.options import Keyless, SimulatorOptions


class Access:
    def __init__(self, options: SimulatorOptions, clock: SimulatorClock) -> None:
        self._options = options
        self._clock = clock
        self._expiry: dict[str, dt.datetime] = {}

    def token(self, request: Request) -> Answer:
        """The client credentials flow; ``grant_type`` in the query or in a form body.

        :raises Refusal: 400 or 401.
        """
        form = dict(parse_qsl(request.body.decode("latin-1")))
        if (request.params.get("grant_type") or form.get("grant_type")) != "client_credentials":
            raise Refusal(400, "unsupported_grant_type")
        if not _has_basic(request, self._options.client_id, self._options.client_secret):
            raise Refusal(401, "invalid_client")
        token, seconds = secrets.token_urlsafe(24), self._options.token_seconds
        self._expiry[token] = self._clock.now() + dt.timedelta(seconds=seconds)
        expires_in = str(seconds) if self._options.expires_in_as_text else seconds
        return json_answer(
            {"access_token": token, "token_type": "Bearer", "expires_in": expires_in, "scope": "simulator"}
        )

    def revoke_tokens(self) -> None:
        self._expiry.clear()

    def check(self, request: Request, *, data: bool) -> None:
        """
        :param data: whether rows are asked for, which FINRA also gives without a key.
        :raises Refusal: 401 or 403.
        """
        if "authorization" not in request.headers:
            if self._options.keyless is Keyless.NOWHERE:
                raise Refusal(401, "Authentication is required: no Authorization header")
            if self._options.keyless is Keyless.DATA and not data:
                raise Refusal(403, "Forbidden without credentials")
        elif self._expiry.get(request.bearer or "", self._clock.now()) <= self._clock.now():
            raise Refusal(401, "Invalid or expired access token")

    def check_entitlement(self, request: Request, *, mock: bool) -> None:
        """
        :raises Refusal: 403, Mock credentials on production rows.
        """
        if request.bearer and self._options.mock_credentials and not mock:
            raise Refusal(403, "The credentials give access to mock datasets only")

    def check_gateway_key(self, request: Request) -> None:
        """
        :raises Refusal: 401.
        """
        given = request.headers.get("x-api-key") or request.bearer
        if self._options.gateway_key not in (None, given):
            raise Refusal(401, "A valid API key is required in X-API-Key or as bearer token")


def _has_basic(request: Request, user: str, password: str) -> bool:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme.lower() == "basic" and secrets.compare_digest(given.encode(), f"{user}:{password}".encode())


class RateLimit:
    """So many requests in any minute of real time."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._times: deque[float] = deque()

    def check(self) -> None:
        """
        :raises Refusal: 429.
        """
        if self._per_minute is None:
            return
        now = time.monotonic()
        while self._times and self._times[0] <= now - 60:
            self._times.popleft()
        if len(self._times) >= self._per_minute:
            wait = str(int(self._times[0] + 60 - now) + 1)
            raise Refusal(429, f"Rate limit of {self._per_minute} requests per minute", (("Retry-After", wait),))
        self._times.append(now)
