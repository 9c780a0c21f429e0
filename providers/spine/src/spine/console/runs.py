"""From what the ledger calls a run to the run in Airflow, where this user may see it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.api_fastapi.app import get_auth_manager
from airflow.models.dagrun import DagRun
from sqlalchemy import select

from spine.core.tiers import Tier

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from sqlalchemy.orm import Session

# A backfill runs many weeks in one run of its DAG, and signs each with its tier and week.
_WEEK_OF_BACKFILL = re.compile(rf":(?:{'|'.join(Tier)}):\d{{4}}-\d\d-\d\d$")


@dataclass(frozen=True, slots=True)
class RunLink:
    """A run of a DAG."""

    dag_id: str
    run_id: str

    @property
    def path(self) -> str:
        """Its page in Airflow, from the root of Airflow's own pages."""
        return f"dags/{quote(self.dag_id, safe='')}/runs/{quote(self.run_id, safe='')}"


def run_links(execution_ids: Iterable[str], user: BaseUser, session: Session) -> dict[str, RunLink]:
    """Runs by execution id. Those of the command line, and of DAGs that are not the user's to see, have none."""
    run_ids = {each: _WEEK_OF_BACKFILL.sub("", each) for each in execution_ids}
    if not run_ids:
        return {}
    readable = get_auth_manager().get_authorized_dag_ids(user=user, method="GET", session=session)
    found = session.execute(
        select(DagRun.dag_id, DagRun.run_id).where(
            DagRun.dag_id.in_(readable), DagRun.run_id.in_(set(run_ids.values()))
        )
    )
    links = {run_id: RunLink(dag_id, run_id) for dag_id, run_id in found}
    return {each: links[run_id] for each, run_id in run_ids.items() if run_id in links}
