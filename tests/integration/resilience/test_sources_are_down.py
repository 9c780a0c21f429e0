"""Servers and databases that a load reads from: a breaker each, with the limits of their connections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import BreakerOpen, ConfigurationError, DependencyError, SpineError
from spine.core.settings import Settings
from spine.pipelines.connections import ConnectionDetails
from spine.pipelines.context import StepContext
from spine.pipelines.load_table import load_table
from spine.resilience.breakers import Breakers
from spine.storage.base import Storage
from tests.support.connections import GivenConnections
from tests.support.http_server import Asked, Reply, Server, json_reply, serving
from tests.support.paths import ROOT
from tests.support.storage import open_upgraded

pytestmark = pytest.mark.integration
NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
PAGE = [{"code": "A", "amount": 1}]


@dataclass
class Gateway:
    """A server that is down until it is told to be up, a table for what it has, and a way to a database that is no more."""

    storage: Storage
    folder: Path
    server: Server
    up: list[bool] = field(default_factory=lambda: [False])
    breaker: Any = None
    now: dt.datetime = NOW

    def load(self, **source: Any) -> StepContext:
        details = ConnectionDetails("gateway", "http", host=self.server.url, extra={"breaker": self.breaker or {}})
        lost = "postgresql://nobody@127.0.0.1:1/lost?connect_timeout=2"
        breakers = Breakers(self.storage, lambda: self.now)
        spec = {
            "source": {"type": "http", "connection": "gateway", **source},
            "table": "things",
            "columns": {"code": "text", "amount": "integer"},
            "key": ["code"],
        }
        context = StepContext(
            storage=self.storage,
            settings=Settings(include_dir=ROOT / "include", file_root=self.folder),
            params={"load": spec},
            workflow="test.things",
            clock=lambda: self.now,
            connections=GivenConnections(details, databases={"lost": lost}),
            guards=breakers,
        )
        load_table.run(context)
        return context

    def fails(self, times: int, **source: Any) -> SpineError:
        for _ in range(times):
            with pytest.raises(SpineError) as caught:
                self.load(**source)
        return caught.value

    def states(self) -> dict[str, str]:
        return {known.name: str(known.breaker.state) for known in Breakers(self.storage, lambda: self.now).every()}

    @property
    def name(self) -> str:
        return f"http:{self.server.url.partition('//')[2]}"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    up = [False]

    def answer(asked: Asked) -> Reply:
        return json_reply(PAGE) if up[0] else Reply(status=502, headers={"Retry-After": "9999"})  # not waited for here

    with open_upgraded(f"sqlite:///{tmp_path / 'domain.db'}") as storage, serving(answer) as server:
        storage.execute("CREATE TABLE things (code VARCHAR(10) NOT NULL PRIMARY KEY, amount BIGINT)")
        yield Gateway(storage, tmp_path, server, up)


def test_a_server_that_fails_is_left_alone_until_it_had_time_to_recover(gateway: Gateway) -> None:
    assert isinstance(gateway.fails(5), DependencyError)
    assert gateway.states() == {gateway.name: "open"}
    error = gateway.fails(1)
    assert isinstance(error, BreakerOpen)
    assert len(gateway.server.asked) == 5
    gateway.up[0] = True
    gateway.now += dt.timedelta(seconds=31)
    gateway.load()
    gateway.now += dt.timedelta(seconds=1)
    gateway.load()
    assert gateway.states() == {gateway.name: "closed"}


def test_its_connection_says_how_much_is_borne(gateway: Gateway) -> None:
    gateway.breaker = {"failure_threshold": 1, "recovery_timeout": 600}
    gateway.fails(1)
    assert gateway.fails(1).retry_after == 600.0
    gateway.breaker = {"failure_threshold": 0}
    assert not isinstance(gateway.fails(1), BreakerOpen)
    gateway.breaker = {"treshold": 1}
    with pytest.raises(
        ConfigurationError, match="extra 'breaker' of connection 'gateway': a breaker has no 'treshold'"
    ):
        gateway.load()


def test_a_path_that_is_not_there_is_not_the_servers_fault(gateway: Gateway) -> None:
    gateway.up[0] = True
    for _ in range(6):
        with pytest.raises(SpineError):
            gateway.load(data_path="nothing.there")
    assert gateway.states() == {}


def test_a_database_that_is_gone_has_a_breaker_and_the_domain_database_none(gateway: Gateway) -> None:
    gateway.fails(5, type="database", connection="lost", query="SELECT 'A' AS code, 1 AS amount")
    assert gateway.states() == {"database:lost": "open"}
    with pytest.raises(SpineError):
        gateway.load(type="database", connection=None, query="SELECT code, amount FROM nowhere")
    assert list(gateway.states()) == ["database:lost"]


def test_files_have_none(gateway: Gateway) -> None:
    with pytest.raises(SpineError):
        gateway.load(type="file", connection=None, path="nothing.csv")
    assert gateway.states() == {}
