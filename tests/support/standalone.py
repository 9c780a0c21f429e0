"""A running Airflow, as ``make ui`` starts it, with a FINRA of its own; and ways to talk to it: REST and commands."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from spine.core.tiers import Tier
from spine.finra.simulator import Simulator, running_simulator
from spine.finra.synthetic import SyntheticMarket
from spine.storage.sqlite import SqliteStorage
from tests.support.include import warn_instead_of_holding
from tests.support.paths import ROOT
from tests.support.webhook import Webhook, listening_webhook

LIVE_ALERTS = """
channels:
  - {name: log, kind: console}
  - {name: ops, kind: slack, conn_id: spine_slack}
routes:
  - {channels: log}
"""
FINRA_SECRET = "canary-of-finra"
_START_SECONDS = 180
_RUN_SECONDS = 180
_MARKET = SyntheticMarket(symbols=dict.fromkeys(Tier, 20), venues=12)
_Answer = TypeVar("_Answer")
LIVE_WORKFLOW = """
name: live.steps
alerts: {on_success: "#ops", on_failure: "#ops"}
params:
  week_ending: {type: [string, "null"], format: date, default: null}
  names: {type: array, default: [a, b, c]}
steps:
  - {name: settle, type: wait, duration: 3s}
  - {name: release, type: approval, subject: Go on?, timeout: 5m}
  - {name: tiers, type: map, items: [T1, T2], item: tier, steps: [{name: tell, type: notify, message: "${params.tier}"}]}
  - name: found
    type: map
    items: ${params.names}
    max_concurrency: 2
    steps: [{name: tell, type: notify, message: "${params.item}"}]
  - {name: done, type: notify, message: done, produces: [live.steps]}
"""
LATE_WORKFLOW = """
name: live.late
params: {week_ending: {type: [string, "null"], format: date, default: null}}
schedules: [{name: live_late, publication: OTCE, deadline: 2s}]
steps: [{name: hold, type: wait, duration: 30s}]
"""


@dataclass(frozen=True, slots=True)
class Airflow:
    """The REST API of a running Airflow, and the environment in which its commands run."""

    url: str
    token: str
    log: Path
    environment: Mapping[str, str]

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(method, f"{self.url}{path}", headers=headers, timeout=30, **options)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``airflow`` with these words, in the same home, until it ends."""
        return subprocess.run(
            ["sh", "-c", '. scripts/airflow-env.sh && exec airflow "$@"', "airflow", *words],
            cwd=ROOT,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )

    def unpause(self, dag_id: str) -> None:
        self._set_paused(dag_id, False)

    def pause(self, dag_id: str) -> None:
        self._set_paused(dag_id, True)

    def _set_paused(self, dag_id: str, paused: bool) -> None:
        answer = self.call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": paused})
        assert answer.status_code == 200, answer.text

    def until(self, ask: Callable[[], _Answer], good: Callable[[_Answer], bool]) -> _Answer:
        """The first good answer; Airflow's log where none comes."""
        return _until(ask, good, _RUN_SECONDS, self.log)

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> httpx.Response:
        return self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf})

    def finished(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """The run when it is over, with the state of each task under ``tasks``."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
        run = self.until(lambda: self.call("GET", path).json(), lambda run: run["state"] in ("success", "failed"))
        return {**run, "tasks": self.states(dag_id, run_id)}

    def states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """Of a run's tasks, as they are now."""
        instances = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances").json()["task_instances"]
        return {each["task_id"]: each["state"] for each in instances}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running Airflow with its domain database, its file root and the FINRA that ``finra_default`` points to.

    :param finra: it has its newest weeks by the real clock, as Airflow's tasks do.
    :param slack: what was sent to ``spine_slack``.
    """

    airflow: Airflow
    storage: SqliteStorage
    files: Path
    finra: Simulator
    slack: type[Webhook]


@contextmanager
def running_deployment(folder: Path) -> Iterator[Deployment]:
    """Everything in ``folder``, with an empty file root; this repository's workflows, and ``LIVE_WORKFLOW``."""
    files, storage = folder / "files", SqliteStorage(folder / "spine.db")
    files.mkdir(parents=True)
    with (
        closing(storage),
        running_simulator(market=_MARKET, weeks=30, client_secret=FINRA_SECRET) as finra,
        listening_webhook() as (slack, to_slack),
    ):
        connections = {
            "SPINE_SLACK": to_slack,
            "SPINE_DEFAULT": {"conn_type": "sqlite", "host": str(storage.path)},
            "FINRA_DEFAULT": _connection_to(finra, folder / "limits"),
        }
        with running_airflow(folder / "home", files, connections, _include(folder / "include")) as airflow:
            pool = {"name": "finra", "slots": 3, "description": "Requests to FINRA"}
            assert airflow.call("POST", "/api/v2/pools", json=pool).status_code == 201
            yield Deployment(airflow, storage, files, finra, slack)


def _include(folder: Path) -> Path:
    shutil.copytree(ROOT / "include/workflows", folder / "workflows")
    (folder / "sql").symlink_to(ROOT / "include/sql")
    shutil.copytree(ROOT / "include/expectations", folder / "expectations")
    warn_instead_of_holding(folder / "expectations")  # tests share this database, and each brings a market of its own
    (folder / "workflows/live_steps.yaml").write_text(LIVE_WORKFLOW)
    (folder / "workflows/live_late.yaml").write_text(LATE_WORKFLOW)
    (folder / "alerts.yaml").write_text(LIVE_ALERTS)
    return folder


def _connection_to(finra: Simulator, limits: Path) -> dict[str, Any]:
    return {
        "conn_type": "finra",
        "host": finra.url,
        "login": finra.options.client_id,
        "password": finra.options.client_secret,
        "extra": {"token_url": finra.token_url, "rate_limit_dir": str(limits)},
    }


@contextmanager
def running_airflow(
    home: Path, files: Path, connections: Mapping[str, Mapping[str, Any]], include: Path = ROOT / "include"
) -> Iterator[Airflow]:
    """``airflow standalone`` with a metadata database, a file root and connections (by id in capitals) of its own."""
    port, log = _free_port(), home / "standalone.log"
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__SPINE__FILE_ROOT": str(files),
        "AIRFLOW__SPINE__INCLUDE_DIR": str(include),
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        **{f"AIRFLOW_CONN_{name}": json.dumps(connection) for name, connection in connections.items()},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ". scripts/airflow-env.sh && airflow db migrate && airflow spine db upgrade && exec airflow standalone"
    with log.open("wb") as output:
        # A group of its own, so that stopping it stops what it started and nothing else.
        process = subprocess.Popen(
            ["sh", "-c", command], cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield _wait_for_airflow(f"http://127.0.0.1:{port}", home, log, environment)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for_airflow(url: str, home: Path, log: Path, environment: Mapping[str, str]) -> Airflow:
    passwords = home / "simple_auth_manager_passwords.json.generated"
    _until(passwords.exists, bool, _START_SECONDS, log)
    login = {"username": "admin", "password": json.loads(passwords.read_text())["admin"]}
    answer = _until(lambda: _post(f"{url}/auth/token", login), lambda found: found is not None, _START_SECONDS, log)
    assert answer is not None
    airflow = Airflow(url, answer["access_token"], log, environment)
    _until(
        lambda: airflow.call("GET", "/api/v2/dags/finra.weekly_refresh").status_code,
        lambda status: status == 200,
        _START_SECONDS,
        log,
    )
    return airflow


def _post(url: str, body: dict[str, str]) -> dict[str, Any] | None:
    try:
        answer = httpx.post(url, json=body, timeout=10)
    except httpx.HTTPError:
        return None
    return answer.json() if answer.status_code == 201 else None


def _until(ask: Callable[[], _Answer], good: Callable[[_Answer], bool], seconds: float, log: Path) -> _Answer:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if good(answer := ask()):
            return answer
        time.sleep(0.5)
    raise AssertionError(f"waited {seconds} s in vain; the end of {log}:\n{_told_last(log)}")


def _told_last(log: Path) -> str:
    """What the scheduler, the triggerer and the tasks said last: of requests and parsed files there is no end."""
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(line[:400] for line in lines if not line.startswith(("api-server", "dag-processor")))[-8000:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
