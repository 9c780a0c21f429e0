"""What a week that is not there in time means: FINRA is late, or we are. Airflow calls this in a worker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spine.core.errors import as_spine_error
from spine.core.tiers import Tier
from spine.notifications.outbox import tell_from_airflow

if TYPE_CHECKING:
    from spine.alerts.model import Alert


def week_is_late(context: Mapping[str, Any], workflow: str, domain: str, tier: str, summary_type: str = "") -> None:
    """The callback of a DeadlineAlert. Runs of a backfill, and those that a person started without dates, have no
    publication that they could be late after.

    :param context: ``dag_run`` and ``deadline`` as Airflow's REST API shows them.
    """
    run = context["dag_run"]
    if run.get("run_type") == "backfill" or run.get("state") == "success" or not run.get("data_interval_start"):
        return
    start = dt.datetime.fromisoformat(str(run["data_interval_start"]).replace("Z", "+00:00"))
    at_finra = _at_finra(Tier.parse(tier), start)
    tell_from_airflow(late_alert(run, Tier.parse(tier), start, workflow, domain, at_finra, summary_type))


def late_alert(
    run: Mapping[str, Any],
    tier: Tier,
    start: dt.datetime,
    workflow: str,
    domain: str,
    at_finra: bool | None,
    summary_type: str = "",
) -> Alert:
    """:param at_finra: whether FINRA has the week; None when it could not be asked."""
    from spine.alerts.model import Alert, AlertSeverity
    from spine.notifications.about import run_url
    from spine.notifications.run_alerts import SOURCE_LATE, WEEK_LATE
    from spine.timetables.publication import week_of

    week = week_of(start)
    place: dict[str, Any] = {
        "source": workflow, "workflow": workflow, "domain": domain, "tier": str(tier), "week_ending": week.isoformat(),
        "summary_type": summary_type,
        "run_id": str(run["dag_run_id"]), "run_url": run_url(str(run["dag_id"]), str(run["dag_run_id"])),
    }  # fmt: skip
    if at_finra is False:
        message = f"the week ending {week} of {tier} is not at FINRA yet; nothing to do but wait, or ask FINRA"
        return Alert(AlertSeverity.WARNING, "FINRA is late with a week", message, cause=SOURCE_LATE, **place)
    known = "FINRA has it" if at_finra else "FINRA could not be asked; test connection finra_default"
    message = f"the week ending {week} of {tier} is not there: {known}, and run {run['dag_run_id']} is {run['state']}"
    return Alert(AlertSeverity.ERROR, f"{workflow}: a week is late", message, cause=WEEK_LATE, **place)


def _at_finra(tier: Tier, start: dt.datetime) -> bool | None:
    from spine.airflow_settings import load_settings
    from spine.timetables.publication import week_of
    from spine.triggers.publication import finra_weeks

    try:
        return week_of(start) in finra_weeks(load_settings().finra_conn_id, tier)
    except Exception as error:  # noqa: BLE001 - not knowing is an answer
        import logging

        logging.getLogger(__name__).warning("FINRA could not be asked: %s", as_spine_error(error).message)
        return None
