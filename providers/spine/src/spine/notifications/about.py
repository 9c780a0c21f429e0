"""Which run, week and page an alert of Airflow is about, from no more than what Airflow hands a callback."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from spine.core.errors import SpineError
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending


def about_run(workflow: str, domain: str, context: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an Alert; empty where nothing is known."""
    dag_id, run_id = _dag_id(context, workflow), _run_id(context)
    return {
        "source": workflow,
        "workflow": workflow,
        "domain": domain,
        "tier": tier_of(params.get("tier")),
        "week_ending": _week(context, params),
        "summary_type": str(params.get("summary_type") or ""),
        "run_id": run_id,
        "run_url": run_url(dag_id, run_id),
    }


def run_url(dag_id: str, run_id: str) -> str:
    """The run's page, where the installation says how people reach Airflow."""
    base = base_url()
    return f"{base}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}" if base and run_id else ""


def base_url() -> str:
    """Where people reach Airflow ([api] base_url), without a slash at its end; empty where nobody said."""
    from airflow.configuration import conf

    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def tier_of(text: Any) -> str:
    """A tier's canonical name; empty for what is none."""
    try:
        return str(Tier.parse(text)) if text else ""
    except SpineError:
        return ""


def _week(context: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """The week that was asked for, else the one a publication schedule gave the run."""
    from spine.timetables.publication import PublicationTimetable, week_of

    try:
        if params.get("week_ending"):
            return parse_week_ending(params["week_ending"]).isoformat()
    except SpineError:
        return ""
    dag = context.get("dag")
    start = context.get("data_interval_start") or getattr(context.get("dag_run"), "data_interval_start", None)
    scheduled = isinstance(getattr(dag, "timetable", None), PublicationTimetable) and isinstance(start, dt.datetime)
    return week_of(start).isoformat() if scheduled and start else ""


def _dag_id(context: Mapping[str, Any], otherwise: str) -> str:
    return str(getattr(context.get("dag"), "dag_id", "") or otherwise)


def _run_id(context: Mapping[str, Any]) -> str:
    return str(getattr(context.get("dag_run"), "run_id", "") or context.get("run_id") or "")
