"""Requests to one FINRA API in somebody's name: URLs, tokens and limits. What is asked is for others to say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from spine.core.errors import ConfigurationError, PermissionDenied, SourceError
from spine.core.retrying import RetryBudget
from spine.core.suggest import did_you_mean
from spine.finra.answers import Answer
from spine.finra.auth import TokenSource, require_private_way
from spine.finra.limits import Limiter, Limiters, RateLimit
from spine.finra.transport import Call, Transport

DATASETS = (
    "weeklySummary",
    "weeklySummaryHistoric",
    "weeklyDownloadDetails",
    "monthlySummary",
    "monthlyDownloadDetails",
    "blocksSummary",
    "otcBlocksSummary",
    "consolidatedShortInterest",
    "regShoDaily",
    "thresholdList",
    "otcDailyList",
)
JSON = "application/json"


class Session:
    """
    :param mock: ask each dataset's mock twin; the historic dataset has none.
    :param limits: of synchronous and of asynchronous requests.
    :param account: whom the asynchronous limit counts.
    """

    def __init__(
        self,
        transport: Transport,
        base_url: str,
        group: str,
        *,
        mock: bool,
        tokens: TokenSource | None,
        account: str,
        limiters: Limiters,
        limits: tuple[RateLimit, RateLimit],
    ) -> None:
        self.transport = transport
        self.base_url = checked_base_url(base_url, with_secret=tokens is not None)
        self._group = group
        self._mock = mock
        self._tokens = tokens
        self._account = account
        self._limiters = limiters
        self._sync_limit, self._async_limit = limits

    def url(self, kind: str, dataset: str) -> str:
        """:param kind: ``data``, ``partitions`` or ``metadata``."""
        if self._mock and dataset.lower().endswith("historic"):
            raise ConfigurationError(f"{dataset} has no mock; use another environment, or another dataset")
        return f"{self.base_url}/{kind}/group/{self._group}/name/{dataset}{'Mock' if self._mock else ''}"

    def read(self, url: str, budget: RetryBudget) -> Answer:
        return self._authorized(Call("GET", url, {"Accept": JSON}, limiter=self._limiter()), budget)

    def ask(self, dataset: str, body: Mapping[str, Any], accept: str, budget: RetryBudget) -> Answer:
        """Rows of a dataset."""
        return self._post(dataset, body, accept, self._limiter(), budget)

    def ask_async(self, dataset: str, body: Mapping[str, Any], accept: str, budget: RetryBudget) -> Answer:
        """A job that will make rows of a dataset."""
        key = f"async {self.base_url} {self._account} {self._group} {dataset}".lower()
        limiter = self._limiters.get(key, self._async_limit)
        return self._post(dataset, {**body, "async": True}, accept, limiter, budget)

    def _post(
        self, dataset: str, body: Mapping[str, Any], accept: str, limiter: Limiter, budget: RetryBudget
    ) -> Answer:
        headers = {"Accept": accept, "Content-Type": JSON}
        content = json.dumps(body, separators=(",", ":")).encode()
        try:
            return self._authorized(Call("POST", self.url("data", dataset), headers, content, limiter), budget)
        except SourceError as error:
            if error.context.get("status") != 404:
                raise
            hint = did_you_mean(dataset, DATASETS)
            raise SourceError(f"{error.message}. For the dataset: {hint}", context=error.context) from error

    def _limiter(self) -> Limiter:
        return self._limiters.get(f"sync {urlsplit(self.base_url).netloc}".lower(), self._sync_limit)

    def _authorized(self, call: Call, budget: RetryBudget) -> Answer:
        """With a token where there are credentials; a refused token is renewed once."""
        if self._tokens is None:
            return self.transport.send(call, budget)
        token = self._tokens.token(budget)
        try:
            return self.transport.send(_signed(call, token), budget)
        except PermissionDenied as error:
            if error.context.get("status") != 401:
                raise
            self._tokens.forget(token)
        return self.transport.send(_signed(call, self._tokens.token(budget)), budget)


def checked_base_url(url: str, *, with_secret: bool) -> str:
    """
    :raises ConfigurationError: it is no http(s) URL, holds a user name, or would send a token unencrypted.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            f"base URL {url.rpartition('@')[2]!r} is no address of an API; expected https://api.finra.org"
        )
    if parts.username is not None:
        raise ConfigurationError("the base URL holds a user name; put client id and secret into login and password")
    if with_secret:
        require_private_way(url)
    return url.rstrip("/")


def _signed(call: Call, token: str) -> Call:
    return replace(call, headers={**call.headers, "Authorization": f"Bearer {token}"})
