"""Delivers alerts that wait, every minute."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG

from spine.operators.alerts import DeliverAlertsOperator

with DAG(
    "spine_alerts",
    description="Delivers alerts that wait: those of processes that died before they could, and those a channel did not take.",
    schedule="* * * * *",
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # an alert must not wait for somebody to switch this on
    tags=["spine", "alerts"],
):
    DeliverAlertsOperator(task_id="deliver")
