"""Talking to a FINRA simulator: short names for long requests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import httpx

from spine.core.tiers import Tier
from spine.finra.simulator import Simulator
from spine.finra.synthetic import SyntheticMarket

JSON = {"accept": "application/json"}
MARKET = SyntheticMarket(symbols=dict.fromkeys(Tier, 20), venues=12)
NOW = dt.datetime(2026, 5, 15, 12, tzinfo=dt.UTC)
WEEK = dt.date(2026, 4, 10)  # the newest that all tiers have published by NOW
WEEKLY = "/data/group/otcMarket/name/weeklySummary"


def equal(**fields: object) -> dict[str, Any]:
    """A request body with an EQUAL compareFilter for each field."""
    return {
        "compareFilters": [
            {"fieldName": name, "fieldValue": str(value), "compareType": "EQUAL"} for name, value in fields.items()
        ]
    }


def partition(tier: str = "T1", monday: str = "2026-04-06", **more: Any) -> dict[str, Any]:
    return equal(weekStartDate=monday, tierIdentifier=tier) | more


class Caller:
    """An HTTP client of a simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.http = httpx.Client(base_url=simulator.url, timeout=30)
        self._simulator = simulator

    def post(self, body: Any, path: str = WEEKLY, **headers: str) -> httpx.Response:
        return self.http.post(path, json=body, headers={**JSON, **headers})

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(path, headers={**JSON, **headers})

    def rows(self, body: Any, path: str = WEEKLY) -> list[dict[str, Any]]:
        """All pages, by rows received until record-total."""
        return [row for page in self.pages(body, path) for row in page.json()]

    def pages(self, body: Any, path: str = WEEKLY) -> Iterator[httpx.Response]:
        offset, total = 0, 1
        while offset < total:
            page = self.post({**body, "offset": offset}, path)
            assert page.status_code == 200, page.text
            yield page
            total, offset = int(page.headers["record-total"]), offset + len(page.json())

    def token(self, secret: str | None = None, **params: str) -> httpx.Response:
        options = self._simulator.options
        return self.http.post(
            self._simulator.token_url,
            params=params or {"grant_type": "client_credentials"},
            auth=(options.client_id, options.client_secret if secret is None else secret),
        )

    def bearer(self) -> str:
        return f"Bearer {self.token().json()['access_token']}"
