"""One request at a time over HTTP: tried again while that may help, its body whole or not at all.

Bodies are spooled: small ones in memory, large ones on disk, so that a cut one is fetched again before any of its rows
has been used.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    DependencyError,
    PermissionDenied,
    RateLimitError,
    ResourceError,
    SourceError,
    SpineError,
    TransientError,
)
from spine.core.retrying import Deadline, RetryBudget, RetryPolicy, retry_after_seconds
from spine.sources.http_options import Credentials, may_follow, origin, shown_url
from spine.sources.http_paging import HttpRequest

if TYPE_CHECKING:
    import httpx

IN_MEMORY = 8 * 1024 * 1024
CHUNK = 64 * 1024
MAX_REDIRECTS = 5
LONGEST_ASKED = 3600.0  # seconds; a server that asks for more is not believed
NOT_MODIFIED = 304
REDIRECTS = {301, 302, 303, 307, 308}
KEEP_METHOD = {307, 308}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A good answer, its body at its start.

    :param headers: by lower-case name.
    :param url: where it came from, after redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: IO[bytes]
    size: int
    sha256: str
    url: str
    next_link: str | None


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """
    :param timeout: seconds to connect, and between any two pieces of an answer.
    :param deadline: seconds for one request with all its attempts and waits.
    :param max_bytes: of one body, after its transfer encoding is undone.
    """

    timeout: float = 30.0
    deadline: float = 900.0
    max_bytes: int = 1024 * 1024 * 1024
    retry: RetryPolicy = field(default_factory=RetryPolicy)


class HttpClient:
    """Requests to one server.

    :param other_origins: ``https://host`` of servers that redirects and links may lead to; they get no credentials.
    """

    def __init__(
        self,
        *,
        headers: Mapping[str, str],
        credentials: Credentials | None,
        limits: HttpLimits,
        other_origins: Iterable[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        import httpx

        logging.getLogger("httpx").addFilter(_hide_query)
        self._private = {**headers, **({credentials.header: credentials.value} if credentials else {})}
        self._limits = limits
        self._others = frozenset(origin(each) for each in other_origins)
        self._sleep, self._clock, self._now = sleep, clock, now
        public = {"User-Agent": "spine", "Accept": "application/json, text/csv;q=0.9, */*;q=0.5"}
        self._client = httpx.Client(timeout=limits.timeout, follow_redirects=False, headers=public)

    def close(self) -> None:
        self._client.close()

    def send(self, request: HttpRequest, *, trusted: str, conditions: Mapping[str, str] | None = None) -> HttpAnswer:
        """The answer: 2xx, or 304 where ``conditions`` were sent.

        :param trusted: the URL whose server the credentials are for.
        :raises SpineError: no such answer; one that may come later has been asked for as often as the limits allow.
        """
        budget = RetryBudget(self._limits.retry, self._sleep)
        deadline = Deadline(self._limits.deadline, self._clock, shown_url(request.url))
        attempt = 1
        while True:
            try:
                return self._redirected(request, trusted, conditions or {}, deadline)
            except SpineError as error:
                deadline.check()
                # A longer wait than the policy believes in is left to whoever schedules the next attempt.
                asks_too_much = (error.retry_after or 0.0) > self._limits.retry.longest_asked
                if not error.retryable or asks_too_much or not budget.wait(attempt, error.retry_after):
                    raise error.with_context(url=shown_url(request.url), attempts=attempt) from error.__cause__
            attempt += 1

    def _redirected(
        self, request: HttpRequest, trusted: str, conditions: Mapping[str, str], deadline: Deadline
    ) -> HttpAnswer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._exchange(request, trusted, conditions, deadline)
            if isinstance(answer, HttpAnswer):
                return answer
            request = answer
        raise SourceError(f"{shown_url(request.url)} redirects more than {MAX_REDIRECTS} times; check the URL")

    def _exchange(
        self, request: HttpRequest, trusted: str, conditions: Mapping[str, str], deadline: Deadline
    ) -> HttpAnswer | HttpRequest:
        """One round trip: an answer, or the request that a redirect asks for."""
        import httpx

        where = shown_url(request.url)
        private = self._private if self._may_have_credentials(request.url, trusted) else {}
        try:
            made = self._client.build_request(
                request.method,
                request.url,
                params=dict(request.params) or None,
                json=request.body,
                headers={**private, **conditions},
            )
            response = self._client.send(made, stream=True)
            try:
                if response.status_code in REDIRECTS:
                    return self._redirect(request, response)
                self._require_good(response, where, conditional=bool(conditions))
                return self._taken(response, where, deadline)
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise DeadlineExceeded(f"{where} did not answer within {self._limits.timeout:g} s; try again") from error
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            # Their words may repeat a header's value.
            raise ConfigurationError(
                f"{where} cannot be asked: {type(error).__name__}; check URL and headers"
            ) from None
        except httpx.DecodingError as error:
            raise TransientError(f"The answer of {where} is damaged: its compression cannot be undone") from error
        except httpx.TransportError as error:
            raise DependencyError(
                f"{where} cannot be reached: {str(error) or type(error).__name__}; try again"
            ) from error

    def _may_have_credentials(self, url: str, trusted: str) -> bool:
        """
        :raises SourceError: a server that nobody allowed.
        """
        if may_follow(trusted, url):
            return True
        if origin(url) in self._others:
            return False
        raise SourceError(
            f"{shown_url(trusted)} leads to another server, {shown_url(url)}, which was not asked; "
            "add it to other_origins if it is right (it gets no credentials)"
        )

    def _redirect(self, request: HttpRequest, response: httpx.Response) -> HttpRequest:
        where = shown_url(request.url)
        target = response.headers.get("location")
        if not target:
            raise SourceError(f"{where} redirects ({response.status_code}) without saying where to; check the URL")
        if request.method != "GET" and response.status_code not in KEEP_METHOD:
            raise SourceError(f"{where} redirects a {request.method} to a page ({response.status_code}); check the URL")
        full = urljoin(str(response.url), target)
        if urlsplit(full).scheme not in ("http", "https"):
            raise SourceError(f"{where} redirects to '{shown_url(full)}', which is not HTTP; check the URL")
        return replace(request, url=full, params={})

    def _require_good(self, response: httpx.Response, where: str, *, conditional: bool) -> None:
        status = response.status_code
        if 200 <= status < 300 or (status == NOT_MODIFIED and conditional):
            return
        asked = retry_after_seconds(response.headers.get("retry-after", ""), self._now())
        raise status_error(status, where, None if asked is None else min(asked, LONGEST_ASKED))

    def _taken(self, response: httpx.Response, where: str, deadline: Deadline) -> HttpAnswer:
        """The whole body."""
        body = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (lives as long as its rows)
        digest, size = hashlib.sha256(), 0
        try:
            for chunk in response.iter_bytes(CHUNK):
                size += len(chunk)
                if size > self._limits.max_bytes:
                    raise ResourceError(
                        f"The answer of {where} is larger than {self._limits.max_bytes} bytes; raise max_bytes if it is right",
                        retryable=False,
                    )
                deadline.check()
                digest.update(chunk)
                body.write(chunk)
        except BaseException:
            body.close()
            raise
        body.seek(0)
        headers = {name.lower(): value for name, value in response.headers.items()}
        next_link = response.links.get("next", {}).get("url")
        return HttpAnswer(response.status_code, headers, body, size, digest.hexdigest(), str(response.url), next_link)


def status_error(status: int, where: str, asked: float | None) -> SpineError:
    """What a status that is not good means, and what to do about it.

    :param asked: seconds after which the server wants to be asked again.
    """
    context: dict[str, Any] = {"status": status}
    said = f"{where} answered {status}"
    if status == 429:
        wait = {} if asked is None else {"retry_after": asked}
        return RateLimitError(f"{said}: too many requests; ask less often", context=context, **wait)
    kind, meaning = _MEANINGS.get(status, (DependencyError, "the server failed; try again"))
    if status < 500 and status not in _MEANINGS:
        kind, meaning = SourceError, "check URL, params and method"
    return kind(f"{said}: {meaning}", retry_after=asked if kind.retryable else None, context=context)


_LOGIN = "check login, password or API key of the connection"
_MEANINGS: dict[int, tuple[type[SpineError], str]] = {
    401: (PermissionDenied, f"the credentials are missing or wrong; {_LOGIN}"),
    403: (PermissionDenied, f"these credentials may not read it; {_LOGIN}"),
    404: (SourceError, "there is nothing there; check URL and params"),
    408: (DeadlineExceeded, "the request took too long; try again"),
    425: (TransientError, "it is too early; try again"),
}


def _hide_query(record: logging.LogRecord) -> bool:
    """httpx logs each request with its full URL, and queries may hold secrets."""
    if isinstance(record.args, tuple):
        record.args = tuple(shown_url(str(each)) if type(each).__name__ == "URL" else each for each in record.args)
    return True
