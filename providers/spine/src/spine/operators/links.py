"""Links that a task shows in Airflow's UI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow.sdk import BaseOperatorLink

from spine.notifications.about import base_url

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator


class GateLink(BaseOperatorLink):
    """The console's page of what a gate said in this run, with Great Expectations' own beside it."""

    name = "Quality gate"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        action = operator.step.action  # type: ignore[attr-defined]  # of a step, always
        asked = {"run_id": ti_key.run_id, **({"suite": action.suite} if action.suite else {})}
        return f"{base_url()}/spine/gates?{urlencode(asked)}"
