"""The assessment of quality as an Airflow task."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from spine.quality.anomalies import Observed
    from spine.quality.assessment.assess import Assessment


class AssessQualityOperator(BaseOperator):
    """Assess the last weeks of every tier and series that is captured, put scores, anomalies and readiness on record, and
    tell of wrong numbers.

    :param weeks: how many, up to the newest that FINRA has published.
    :param symbols: score every symbol too.
    :param full: the whole history instead, and every table for rows without a capture.
    """

    def __init__(self, *, weeks: int = 12, symbols: bool = False, full: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weeks = weeks
        self.symbols = symbols
        self.full = full

    def execute(self, context: Context) -> dict[str, Any]:
        """By summary type: the overall score and grade, weeks by grade, and issues by severity."""
        from spine.airflow_settings import load_settings
        from spine.alerts.telling import deliver_soon
        from spine.hooks.connections import AirflowConnections
        from spine.hooks.storage import StorageHook
        from spine.pipelines.context import StepContext
        from spine.quality.assessment.assess import Scope, assess, followed
        from spine.quality.assessment.stored import save
        from spine.quality.readiness import read_readiness, save_readiness

        settings, connections = load_settings(), AirflowConnections()
        with closing(StorageHook(settings.storage_conn_id).get_storage()) as storage:
            known = StepContext(
                storage, settings, {}, run_id=str(context["run_id"]), workflow=self.dag_id, connections=connections
            )
            asked = Scope(weeks=self.weeks, symbols=self.symbols, full=self.full)
            told = {}
            for scope in followed(storage, asked, known.clock()):
                found = assess(known, scope)
                told[scope.summary_type] = _summary(found, save(known, found))
                ready = read_readiness(storage, found.assessed_at, self.weeks, scope.tiers, scope.summary_type)
                save_readiness(storage, ready, found.assessed_at)
            deliver_soon(storage, settings, connections, known.clock)
        return told


def _summary(found: Assessment, observed: Observed) -> dict[str, Any]:
    return {
        "score": found.score,
        "grade": None if found.grade is None else str(found.grade),
        "weeks": dict(Counter(str(each.score.grade) for each in found.weeks)),
        "issues": dict(Counter(str(issue.severity) for issue in found.issues)),
        "opened": len(observed.opened),
        "gone": len(observed.gone),
    }
