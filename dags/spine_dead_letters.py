"""Does work again that failed for good, when its time has come."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG

from spine.operators.alerts import RetryDeadLettersOperator

with DAG(
    "spine_dead_letters",
    description="Runs the work of dead letters whose time has come; `airflow spine dlq list` shows them.",
    schedule="*/10 * * * *",
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["spine"],
):
    RetryDeadLettersOperator(task_id="retry_due")
