"""Scores the last weeks every day, and tells of published numbers that are wrong."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG

from spine.operators.quality import AssessQualityOperator

with DAG(
    "spine_quality",
    description="Scores and grades of the last weeks, anomalies, and which weeks may be relied on.",
    schedule="30 13 * * *",
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # it only looks and tells
    tags=["spine", "quality"],
):
    AssessQualityOperator(task_id="assess")
