"""From an Airflow connection to FINRA's rows."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException

from spine.core.errors import ConfigurationError
from spine.core.tiers import Tier
from spine.finra.api_source import FinraWeeklySource
from spine.finra.query import equal
from spine.get_provider_info import get_provider_info
from spine.hooks.finra import _EXTRAS, FinraHook
from tests.integration.finra.conftest import Start
from tests.support.finra import NOW, WEEK
from tests.support.http_server import Asked, Reply, serving

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("airflow_env")]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Define finra_default for this test."""

    def define(extra: dict[str, Any] | None = None, **fields: Any) -> FinraHook:
        extra = {"rate_limit_dir": str(tmp_path), **(extra or {})}
        connection = {"conn_type": "finra", "extra": extra, **fields}
        monkeypatch.setenv("AIRFLOW_CONN_FINRA_DEFAULT", json.dumps(connection))
        return FinraHook()

    yield define


def test_a_recorded_answer_is_replayed_row_by_row(connect: Any, finra_data: Path) -> None:
    recorded = json.loads((finra_data / "weekly_summary_AAPL_T1_ATS_W_SMBL.json").read_text())

    def replay(asked: Asked) -> Reply:
        body = json.loads(asked.body)
        assert asked.path == "/data/group/otcMarket/name/weeklySummary"
        assert body == recorded["json"]
        return Reply(recorded["text"].encode(), headers={**recorded["headers"], "Content-Type": "application/json"})

    filters = [equal(each["fieldName"], each["fieldValue"]) for each in recorded["json"]["compareFilters"]]
    with serving(replay) as server, connect({"rows_as": "json"}, host=server.url).get_client() as client:
        batches = client.query("weeklySummary", filters=filters, fields=recorded["json"]["fields"])
        rows = [row for batch in batches for row in batch.to_pylist()]
    truth = json.loads(recorded["text"], parse_float=str, parse_int=str)
    assert len(rows) == 248
    assert [{key: row[key] for key in answer} for row, answer in zip(rows, truth, strict=True)] == truth
    assert sum("E" in row["totalNotionalSum"] for row in rows) > 50  # as FINRA writes large fractions


def test_a_connection_with_a_key_reads_a_week(connect: Any, start: Start) -> None:
    simulator, _ = start()
    hook = connect({"token_url": simulator.token_url}, host=simulator.url, login="simulator", password="not-a-secret")
    with hook.get_conn() as client:
        reading = FinraWeeklySource(client, Tier.T1, WEEK, now=lambda: NOW).read()
        assert sum(batch.rows.num_rows for batch in reading) == reading.lines > 0
    assert {entry.authorization for entry in simulator.journal.entries} == {"basic", "bearer"}


def test_the_form_learns_that_it_works(connect: Any, start: Start) -> None:
    simulator, _ = start()
    worked, words = connect(host=simulator.url).test_connection()
    assert worked, words
    assert words.startswith(simulator.url)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"login": "simulator", "password": "wrong-secret"}, "check login and password of the connection"),
        ({"login": "simulator"}, "lack the client secret"),
        ({"extra": {"page_sise": 5}}, "did you mean 'page_size'"),
    ],
)
def test_the_form_learns_what_is_wrong(connect: Any, start: Start, fields: dict[str, Any], words: str) -> None:
    simulator, _ = start()
    extra = {"token_url": simulator.token_url, **fields.pop("extra", {})}
    worked, said = connect(extra, host=simulator.url, **fields).test_connection()
    assert not worked
    assert words in said
    assert "wrong-secret" not in said


def test_without_the_default_connection_production_is_asked_keyless(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with FinraHook().get_client() as client:
        assert repr(client) == "FinraClient('https://api.finra.org', without a key)"


def test_a_connection_named_and_missing_is_an_error() -> None:
    with pytest.raises(AirflowNotFoundException):
        FinraHook("finra_elsewhere").get_client()


@pytest.mark.parametrize(
    ("extra", "fields", "url"),
    [
        ({}, {}, "https://api.finra.org"),
        ({"environment": "qa", "timeout": None, "token_url": ""}, {}, "https://api-int.qa.finra.org"),
        ({"environment": "mock"}, {}, "https://api.finra.org"),
        ({"environment": "qa"}, {"host": "finra.example"}, "https://finra.example"),
        ({}, {"host": "localhost", "schema": "http", "port": 8080}, "http://localhost:8080"),
        ({}, {"host": "http://localhost", "port": 8080}, "http://localhost:8080"),
    ],
)
def test_host_and_environment_say_whom_to_ask(connect: Any, extra: Any, fields: Any, url: str) -> None:
    with connect(extra, **fields).get_client() as client:
        suffix = "Mock" if extra.get("environment") == "mock" else ""
        assert client.url_of("weeklySummary") == f"{url}/data/group/otcMarket/name/weeklySummary{suffix}"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"environment": "prodction"}, "did you mean 'production'"),
        ({"page_size": 6000}, "page_rows is 6000; expected 1 to 5000"),
        ({"page_size": "many"}, "page_size of connection 'finra_default' is 'many'; expected a number"),
        ({"rows_as": "xml"}, "expected text or json"),
        ({"requests_per_minute": 0}, "a limit of 0 requests a minute"),
    ],
)
def test_an_option_that_cannot_be_is_named(connect: Any, extra: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        connect(extra).get_client()


def test_the_form_offers_every_option_that_the_hook_knows() -> None:
    [entry] = [each for each in get_provider_info()["connection-types"] if each["connection-type"] == "finra"]
    assert entry["conn-fields"].keys() == _EXTRAS.keys()
    assert entry["hook-class-name"] == f"{FinraHook.__module__}.{FinraHook.__name__}"


def test_importing_the_hook_loads_nothing_heavy() -> None:
    code = (
        "import sys, spine.hooks.finra; print(*sorted({'pyarrow', 'numpy', 'pandas', 'holidays'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
