"""``airflow spine simulate-finra``: the simulator as a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from spine.cli.simulate import simulate

pytestmark = pytest.mark.integration

_START = """
from argparse import Namespace
from spine.cli.simulate import simulate
simulate(Namespace(host="127.0.0.1", port=0, weeks=2, symbols=5, venues=5, seed=3, now="2026-05-15", keyless="data",
                   requests_per_minute=50, fault=["server_error,status=502,match=/datasets"]))
"""


def _args(**given: object) -> Namespace:
    return Namespace(**{"host": "127.0.0.1", "port": 0, **given})


@contextmanager
def _process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command on a free port, and the address it prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", _START], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split(" at ")[1].split(";")[0]
        finally:
            process.kill()


def test_it_serves_what_was_asked_for_until_it_is_interrupted() -> None:
    with _process() as (process, url):
        assert httpx.get(f"{url}/datasets").status_code == 502
        assert httpx.get(f"{url}/partitions/group/otcMarket/name/weeklySummary").status_code == 403
        page = httpx.get(f"{url}/data/group/otcMarket/name/weeklySummary", headers={"accept": "application/json"})
        assert {row["weekStartDate"] for row in page.json()} == {"2026-03-30"}
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fault": ["rate_limitd"]}, "did you mean 'rate_limited'"),
        ({"now": "noon"}, "not an instant"),
        ({"port": 70_000}, "choose another --port"),
        ({"symbols": 10**9}, "symbols of T1"),
    ],
)
def test_a_mistake_is_told_in_one_line(given: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        simulate(_args(**given))
    errors = capsys.readouterr().err
    assert said in errors
    assert len(errors.splitlines()) == 1


def test_a_port_that_is_taken_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(SystemExit, match="1"):
        simulate(_args(port=other.getsockname()[1]))
    assert "cannot listen" in capsys.readouterr().err
