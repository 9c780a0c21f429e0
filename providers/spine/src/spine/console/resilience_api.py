"""Breakers and dead letters as JSON. Reading is for whoever sees the console, and of dead letters those of DAGs that are
theirs to see; changing asks Airflow's permission: to change connections, to trigger or to edit the DAG."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.utils.types import DagRunTriggeredByType
from fastapi import APIRouter, Body, HTTPException, Query

from spine.airflow_settings import load_settings
from spine.console.permissions import may_operate
from spine.console.storage import domain_storage
from spine.resilience.breakers import Breakers
from spine.resilience.dead_letters import DeadLetter, LetterStatus, find_letter, letters, resolve_letter
from spine.workflows.again import trigger_letter

if TYPE_CHECKING:
    from spine.storage.base import Storage

router = APIRouter()
Reason = Annotated[str, Body(embed=True, min_length=1, max_length=1000, description="Why it needs no retry any more")]


@router.get("/breakers")
def list_breakers() -> dict[str, Any]:
    """Every circuit breaker that ever changed, by name."""
    with domain_storage() as storage:
        return {"breakers": [each.to_dict() for each in _breakers(storage).every()]}


@router.post("/breakers/{name}/reset", dependencies=[may_operate])
def reset_breaker(name: str, user: GetUserDep) -> dict[str, Any]:
    """Close one: calls go through at once."""
    with domain_storage() as storage:
        return _breakers(storage).reset(name, by=user.get_name()).to_dict()


@router.post("/breakers/{name}/trip", dependencies=[may_operate])
def trip_breaker(name: str, user: GetUserDep) -> dict[str, Any]:
    """Open one: nobody asks for the recovery time."""
    with domain_storage() as storage:
        return _breakers(storage).trip(name, by=user.get_name()).to_dict()


@router.get("/dead-letters")
def list_letters(
    user: GetUserDep,
    session: SessionDep,
    status: Annotated[LetterStatus | None, Query(description="By default all but resolved")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """The newest failures first, of DAGs that are the user's to see."""
    readable = get_auth_manager().get_authorized_dag_ids(user=user, method="GET", session=session)
    with domain_storage() as storage:
        found = letters(storage, status=status, limit=limit)
    return {"dead_letters": [each.to_dict() for each in found if (_dag_of(each) or "") in {"", *readable}]}


@router.get("/dead-letters/{dlq_id}")
def get_letter(dlq_id: str, user: GetUserDep) -> dict[str, Any]:
    """One of them, with its error and its work."""
    with domain_storage() as storage:
        return _required(storage, dlq_id, user, "GET").to_dict()


@router.post("/dead-letters/{dlq_id}/retry", status_code=202)
def retry_letter(dlq_id: str, user: GetUserDep) -> dict[str, Any]:
    """Trigger the DAG of its workflow with its params; how that ends, the letter tells later."""
    with domain_storage() as storage:
        _required(storage, dlq_id, user, "POST", DagAccessEntity.RUN)

        def start(dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
            trigger_dag(
                dag_id,
                triggered_by=DagRunTriggeredByType.REST_API,
                triggering_user_name=user.get_name(),
                run_id=run_id,
                conf=conf,
            )

        return trigger_letter(storage, load_settings(), dlq_id, start, now=dt.datetime.now(dt.UTC)).to_dict()


@router.post("/dead-letters/{dlq_id}/resolve")
def resolve(dlq_id: str, reason: Reason, user: GetUserDep) -> dict[str, Any]:
    """Give it up, or say that it was done otherwise."""
    with domain_storage() as storage:
        _required(storage, dlq_id, user, "PUT")
        done = resolve_letter(storage, dlq_id, by=user.get_name(), reason=reason, now=dt.datetime.now(dt.UTC))
        return done.to_dict()


def _breakers(storage: Storage) -> Breakers:
    return Breakers(storage, lambda: dt.datetime.now(dt.UTC), load_settings().breaker)


def _dag_of(letter: DeadLetter) -> str | None:
    """The DAG that runs its work; a message has none."""
    workflow = letter.work.payload.get("workflow")
    return None if workflow is None else str(workflow)


def _required(
    storage: Storage, dlq_id: str, user: Any, method: Any, entity: DagAccessEntity | None = None
) -> DeadLetter:
    """The letter, if the user may do this to its DAG."""
    letter = find_letter(storage, dlq_id)
    if letter is None:
        raise HTTPException(404, f"there is no dead letter {dlq_id!r}")
    allowed = get_auth_manager().is_authorized_dag(
        method=method, access_entity=entity, details=DagDetails(id=_dag_of(letter)), user=user
    )
    if not allowed:
        raise HTTPException(403, f"you may not do this to the DAG {_dag_of(letter)}")
    return letter
