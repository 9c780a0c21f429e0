"""HTTP to FINRA: timeouts, limits, retries and errors in one place. Knows nothing of tokens or datasets."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from spine import __version__
from spine.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    DependencyError,
    SourceError,
    SpineError,
    TransientError,
)
from spine.core.retrying import Deadline, RetryBudget
from spine.finra.answers import Answer, error_of
from spine.finra.limits import Limiter
from spine.finra.redaction import Redactor, SignedUrlFilter

if TYPE_CHECKING:
    import httpx

USER_AGENT = f"airflow-provider-spine/{__version__}"
MAX_BYTES = 64 * 1024 * 1024  # FINRA's own limit for a page is 3 MB
_log = logging.getLogger(__name__)
_signed_url_filter = SignedUrlFilter()


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``limiter`` is asked before each attempt."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = None
    limiter: Limiter | None = None
    max_bytes: int = MAX_BYTES

    @property
    def where(self) -> str:
        return self.url.partition("?")[0]


class Transport:
    """
    :param timeout: seconds for one whole exchange, body included; connecting may take at most 10 of them.
    :param longest_asked: a Retry-After is believed up to this many seconds.
    """

    def __init__(
        self,
        *,
        timeout: float,
        max_connections: int,
        longest_asked: float,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        import httpx

        logging.getLogger("httpx").addFilter(_signed_url_filter)
        self.redact = Redactor()
        self._timeout = timeout
        self._longest_asked = longest_asked
        self._now = now
        self._clock = clock
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0), pool=None),
            limits=httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections),
            headers={"User-Agent": USER_AGENT},
            follow_redirects=False,
        )

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call, budget: RetryBudget) -> Answer:
        """A good answer, after as many attempts as the budget allows.

        :raises SpineError: the last failure, as the error it stands for.
        """
        for attempt in count(1):
            asked = None
            try:
                answer = self._exchange(call)
            except SpineError as error:
                failure: SpineError | None = error
            else:
                asked = self._asked(answer)
                failure = error_of(answer, self.redact, asked=asked)
                if failure is None:
                    return answer
            assert failure is not None
            if not (failure.retryable and budget.wait(attempt, asked)):
                raise failure.with_context(attempts=attempt)
            _log.info("attempt %d at %s failed, trying again: %s", attempt, call.where, failure.message)
        raise AssertionError("unreachable")

    def _asked(self, answer: Answer) -> float | None:
        asked = answer.retry_after(self._now())
        return None if asked is None else min(asked, self._longest_asked)

    def _exchange(self, call: Call) -> Answer:
        import httpx

        if call.limiter:
            call.limiter.acquire()
        deadline = Deadline(self._timeout, self._clock, f"the exchange with {call.where}")
        try:
            with self._http.stream(call.method, call.url, headers=call.headers, content=call.content) as response:
                return self._received(call, response, deadline)
        except httpx.TimeoutException as error:
            raise DeadlineExceeded(
                f"{call.where} did not answer in time ({type(error).__name__}; the timeout is {self._timeout:g} s). "
                "Try again, or raise the timeout"
            ) from error
        except httpx.DecodingError as error:
            raise TransientError(f"{call.where} answered with a damaged body: {self.redact(str(error))}") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError) as error:
            raise ConfigurationError(f"{call.where} cannot be asked: {self.redact(str(error))}. Correct it") from error
        except httpx.TransportError as error:
            raise DependencyError(
                f"{call.where} cannot be reached, or broke off: {self.redact(str(error))}. "
                "Check the network, the proxy and the base URL",
            ) from error

    def _received(self, call: Call, response: httpx.Response, deadline: Deadline) -> Answer:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            deadline.check()
            if len(body) > call.max_bytes:
                raise SourceError(
                    f"{call.where} answered with more than {call.max_bytes:,} bytes, far beyond FINRA's own limit. "
                    "Check the base URL"
                )
        length_told = "content-length" in response.headers or "transfer-encoding" in response.headers
        whole = length_told or response.http_version == "HTTP/2"
        return Answer(response.status_code, response.headers, bytes(body), call.where, whole)
