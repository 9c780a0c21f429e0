"""A FINRA of a few lines, which pages as it is told to: for what the simulator does too well to be a test."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest

from spine.core.errors import SpineError
from spine.finra.client import FinraClient
from spine.finra.tuning import Tuning
from tests.support.http_server import Answer, Asked, Reply, Server, serving

NOW = dt.datetime(2026, 5, 15, 12, tzinfo=dt.UTC)
COLUMNS = ("symbol", "shares")


def made_rows(count: int) -> list[dict[str, str]]:
    return [{"symbol": f"S{number:04d}", "shares": f"{number}.5"} for number in range(count)]


@dataclass
class Paged:
    """Answers data requests from ``rows``.

    :param at_most: rows that fit a page, whatever limit was asked for.
    :param total: the text of the total's header, given the number of the request (from 1) and the true total.
    :param page: what the rows from ``offset`` become, given the number of the request.
    :param empty: the answer where no rows are left.
    """

    rows: list[dict[str, str]]
    at_most: int = 5000
    header: str = "Record-Total"
    total: Callable[[int, int], str] = lambda number, true: str(true)
    page: Callable[[int, list[dict[str, str]]], list[dict[str, str]]] = lambda number, rows: rows
    empty: Reply = field(default_factory=lambda: Reply(status=204))
    quoted: bool = False
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        body = json.loads(asked.body)
        self.bodies.append(body)
        number = len(self.bodies)
        wanted = self.rows[body["offset"] :][: min(body["limit"], self.at_most)]
        rows = self.page(number, wanted)
        headers = {self.header: self.total(number, len(self.rows))}
        if not rows:
            return Reply(self.empty.body, self.empty.status, {**headers, **self.empty.headers})
        return self._written(asked, rows, headers)

    def _written(self, asked: Asked, rows: list[dict[str, str]], headers: dict[str, str]) -> Reply:
        if asked.headers["accept"] == "application/json":
            items = ",".join(f'{{"symbol":"{row["symbol"]}","shares":{row["shares"]}}}' for row in rows)
            return Reply(f"[{items}]".encode(), headers={**headers, "Content-Type": "application/json"})
        return Reply(text_of(rows, quoted=self.quoted), headers={**headers, "Content-Type": "text/plain"})


def text_of(rows: Sequence[dict[str, str]], *, quoted: bool = False) -> bytes:
    lines = [COLUMNS, *(tuple(row.values()) for row in rows)]
    mark = '"' if quoted else ""
    return "".join("|".join(f"{mark}{each}{mark}" for each in line) + "\n" for line in lines).encode()


@contextmanager
def everything_logged(caplog: pytest.LogCaptureFixture, level: int = logging.DEBUG) -> Iterator[None]:
    """Let the clients' loggers speak, whatever Airflow made of them in an earlier test."""
    with ExitStack() as stack:
        for name in ("", "httpx", "httpcore", "httpcore.http11", "spine", "spine.finra.transport"):
            stack.enter_context(caplog.at_level(level, logger=name))
            stack.enter_context(mock.patch.object(logging.getLogger(name), "disabled", False))
            stack.enter_context(mock.patch.object(logging.getLogger(name), "propagate", True))
        yield


@dataclass
class Waits:
    """Remembers how long it was asked to sleep, and does not."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@dataclass
class Talk:
    """A client, the server it talks to, and how long it waited."""

    client: FinraClient
    server: Server
    waits: Waits

    def rows(self, dataset: str = "thresholdList", **options: Any) -> list[dict[str, str]]:
        return [row for batch in self.client.query(dataset, **options) for row in batch.to_pylist()]

    def refused(self, kind: type[SpineError], words: str, dataset: str = "thresholdList", **options: Any) -> SpineError:
        """The error that a query ends in, which must speak these words."""
        with pytest.raises(kind, match=words) as failed:
            self.rows(dataset, **options)
        return failed.value


@contextmanager
def talking(answer: Answer, *, tuning: Tuning | None = None, **options: Any) -> Iterator[Talk]:
    """A client and the server that gives these answers. Jitter is at its longest, so that waits are known."""
    waits = Waits()
    with serving(answer) as server:
        settings = {"sleep": waits, "jitter": lambda: 1.0, "now": lambda: NOW} | options
        base_url = settings.pop("base_url", server.url)
        token_url = settings.pop("token_url", f"{server.url}/token")
        with FinraClient(base_url, token_url, tuning=tuning, **settings) as client:
            yield Talk(client, server, waits)
