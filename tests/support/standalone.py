"""A running Airflow, as ``make ui`` starts it, and a client that talks to it as a frontend would."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from spine.storage.sqlite import SqliteStorage
from tests.support.paths import ROOT

_START_SECONDS = 180
_RUN_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Airflow:
    """The REST API of a running Airflow."""

    url: str
    token: str
    log: Path

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(method, f"{self.url}{path}", headers=headers, timeout=30, **options)

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> httpx.Response:
        return self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf})

    def finished(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """The run when it is over, with the state of each task under ``tasks``."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
        run = _until(
            lambda: self.call("GET", path).json(),
            lambda run: run["state"] in ("success", "failed"),
            _RUN_SECONDS,
            self.log,
        )
        instances = self.call("GET", f"{path}/taskInstances").json()["task_instances"]
        return {**run, "tasks": {each["task_id"]: each["state"] for each in instances}}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running Airflow with its domain database and its file root."""

    airflow: Airflow
    storage: SqliteStorage
    files: Path


@contextmanager
def running_deployment(folder: Path) -> Iterator[Deployment]:
    """Everything in ``folder``, with an empty file root."""
    files, storage = folder / "files", SqliteStorage(folder / "spine.db")
    files.mkdir(parents=True)
    connection = {"conn_type": "sqlite", "host": str(storage.path)}
    with closing(storage), running_airflow(folder / "home", files, connection) as airflow:
        yield Deployment(airflow, storage, files)


@contextmanager
def running_airflow(home: Path, files: Path, storage: dict[str, Any]) -> Iterator[Airflow]:
    """``airflow standalone`` with a metadata database, file root and storage connection of its own."""
    port, log = _free_port(), home / "standalone.log"
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__SPINE__FILE_ROOT": str(files),
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        "AIRFLOW_CONN_SPINE_DEFAULT": json.dumps(storage),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ". scripts/airflow-env.sh && airflow db migrate && airflow spine db upgrade && exec airflow standalone"
    with log.open("wb") as output:
        # A group of its own, so that stopping it stops what it started and nothing else.
        process = subprocess.Popen(
            ["sh", "-c", command], cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield _wait_for_airflow(f"http://127.0.0.1:{port}", home, log)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for_airflow(url: str, home: Path, log: Path) -> Airflow:
    passwords = home / "simple_auth_manager_passwords.json.generated"
    _until(passwords.exists, bool, _START_SECONDS, log)
    login = {"username": "admin", "password": json.loads(passwords.read_text())["admin"]}
    answer = _until(lambda: _post(f"{url}/auth/token", login), lambda found: found is not None, _START_SECONDS, log)
    airflow = Airflow(url, answer["access_token"], log)
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


def _until(ask: Any, good: Any, seconds: float, log: Path) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if good(answer := ask()):
            return answer
        time.sleep(0.5)
    raise AssertionError(f"waited {seconds} s in vain; the end of {log}:\n{log.read_text(errors='replace')[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
