"""Breakers and dead letters over HTTP, and who may do what: every route of the console, every kind of user."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from spine.core.errors import SourceError
from spine.resilience.breakers import Breakers
from spine.resilience.dead_letters import DeadLetter, record_failure
from spine.resilience.work import failed_step
from spine.storage.base import Storage
from tests.support.console import Call
from tests.support.dag_runs import DagsFolder, from_database

pytestmark = [
    pytest.mark.integration,
    # Airflow's in-process API server imports starlette's test client.
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]
NAME = "finra:api.finra.org"
NOW = dt.datetime(2026, 5, 15, 12, tzinfo=dt.UTC)


@pytest.fixture
def letter(storage: Storage) -> DeadLetter:
    work = failed_step("flow", "ingest", {"tier": "T1"}, SourceError("half a file"), "test.flow")
    return record_failure(storage, work, SourceError("half a file"), now=NOW, run_id="r1")


def routes() -> list[tuple[str, str]]:
    """Method and path of every route, with something in place of what the path names."""
    from fastapi.routing import APIRoute

    from spine.console.app import create_app

    found = [route for route in create_app().routes if isinstance(route, APIRoute)]
    return [(method, re.sub(r"\{[^}]*\}", "x", route.path)) for route in found for method in sorted(route.methods)]


def test_nobody_gets_in_anywhere_without_a_login(call: Call) -> None:
    asked = routes()
    assert len([path for method, path in asked if method == "POST"]) >= 4
    assert {(method, path): call(None, method, path).status_code for method, path in asked} == dict.fromkeys(asked, 401)


def test_no_route_that_changes_anything_is_for_viewers(call: Call, letter: DeadLetter) -> None:
    for method, path in routes():
        if method not in ("GET", "HEAD"):
            here = path.replace("dead-letters/x", f"dead-letters/{letter.dlq_id}")
            answer = call("viewer", method, here, json={"reason": "because"})
            assert answer.status_code == 403, (method, here, answer.text)
            assert answer.json()["category"] == "PERMISSION"


def test_breakers_are_seen_by_all_and_switched_by_those_who_may_change_connections(
    call: Call, storage: Storage
) -> None:
    breakers = Breakers(storage, lambda: NOW)
    breakers.trip(NAME, by="ann")
    [known] = call("viewer", "GET", "/api/v1/breakers").json()["breakers"]
    assert (known["name"], known["state"], known["last_error"]) == (NAME, "open", "opened by ann")
    assert call("user", "POST", f"/api/v1/breakers/{NAME}/reset").status_code == 403
    answer = call("op", "POST", f"/api/v1/breakers/{NAME}/reset").json()
    assert (answer["state"], answer["last_error"]) == ("closed", "reset by a op")
    assert call("op", "POST", f"/api/v1/breakers/{NAME}/trip").json()["state"] == "open"


def test_dead_letters_are_listed_shown_and_resolved(call: Call, letter: DeadLetter, dags_folder: DagsFolder) -> None:
    _serialize(dags_folder)
    [seen] = call("viewer", "GET", "/api/v1/dead-letters").json()["dead_letters"]
    assert seen == call("viewer", "GET", f"/api/v1/dead-letters/{letter.dlq_id}").json()
    assert (seen["status"], seen["payload"]["params"]) == ("exhausted", {"tier": "T1"})
    assert call("viewer", "GET", "/api/v1/dead-letters?status=resolved").json() == {"dead_letters": []}
    assert call("viewer", "GET", "/api/v1/dead-letters?status=lost").status_code == 400
    path = f"/api/v1/dead-letters/{letter.dlq_id}/resolve"
    assert call("user", "POST", path, json={"reason": ""}).status_code == 400
    done = call("user", "POST", path, json={"reason": "the file is gone"}).json()
    assert (done["status"], done["resolved_by"], done["resolution"]) == ("resolved", "a user", "the file is gone")
    assert call("admin", "GET", "/api/v1/dead-letters/nothing").status_code == 404


def test_a_retry_triggers_the_dag_with_the_params_of_then(
    call: Call, letter: DeadLetter, dags_folder: DagsFolder
) -> None:
    path = f"/api/v1/dead-letters/{letter.dlq_id}/retry"
    _serialize(dags_folder)
    answer = call("user", "POST", path)
    assert answer.status_code == 202, answer.text
    known = answer.json()
    assert (known["status"], known["retry_count"]) == ("retrying", 1)

    def ask(session: Any) -> Any:
        from airflow.models.dagrun import DagRun

        run = session.query(DagRun).filter_by(dag_id="flow", run_id=known["run_id"]).one()
        return run.conf, run.triggering_user_name

    assert from_database(ask) == ({"tier": "T1"}, "a user")


def _serialize(folder: DagsFolder) -> None:
    """A DAG of the letter's workflow, as the scheduler knows it."""
    folder.run("name: flow\nparams: {tier: {default: T1}}\nsteps: [{name: tell, type: notify, message: x}]")
