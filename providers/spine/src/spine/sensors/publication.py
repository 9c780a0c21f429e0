"""A task that waits for a week to be published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.bases.sensor import PokeReturnValue
from airflow.sdk.exceptions import AirflowSensorTimeout

from spine.core.publication import PublicationState
from spine.core.tiers import Tier
from spine.core.weeks import newest_published, published_at
from spine.operators.run_week import week_of_run
from spine.triggers.publication import FINRA_PROBE, Probe, WeekPublishedTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

_REASONS = {
    PublicationState.NOT_DUE: "it is published on {out:%Y-%m-%d %H:%M %Z}, after the sensor's timeout",
    PublicationState.DUE: "it was to be published from {out:%Y-%m-%d %H:%M %Z} on, and nobody is late yet; wait longer",
    PublicationState.LATE_AT_SOURCE: "FINRA is late: it was to be published on {out:%Y-%m-%d %H:%M %Z}",
    PublicationState.LATE_HERE: "the source could not be asked since {out:%Y-%m-%d %H:%M %Z}; test connection '{conn_id}'",
}


class WeekPublishedSensor(BaseSensorOperator):
    """Wait until the source has a week, without holding a worker.

    Succeeds with a receipt of ``tier`` and ``week_ending``. A timeout says whether the week was not due, due, late at
    the source, or the source could not be asked.

    :param tier: FINRA's tier, in any spelling. (templated)
    :param week_ending: the Friday; empty means the week the run is for, else the newest published one. (templated)
    :param conn_id: connection of the source.
    :param probe: dotted path of a function ``(conn_id, tier) -> weeks``, when the source is not FINRA.
    :param deferrable: wait in the triggerer; False pokes, as ``mode`` says.
    :param poke_interval: seconds between two questions.
    :param timeout: seconds from the start of the task until it gives up.
    """

    template_fields: Sequence[str] = ("tier", "week_ending")

    def __init__(
        self,
        *,
        tier: str,
        week_ending: str | None = None,
        conn_id: str = "finra_default",
        probe: str = FINRA_PROBE,
        deferrable: bool = True,
        poke_interval: dt.timedelta | float = 900,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.tier = tier
        self.week_ending = week_ending
        self.conn_id = conn_id
        self.probe = probe
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        if not self.deferrable:
            return super().execute(context)
        tier, week_ending = self._partition(context)
        if self._in_source(tier, week_ending):
            return _receipt(tier, week_ending)
        trigger = WeekPublishedTrigger(
            tier=tier,
            week_ending=week_ending.isoformat(),
            conn_id=self.conn_id,
            deadline=self.now() + dt.timedelta(seconds=self.timeout),
            poll_seconds=self.poke_interval,
            probe=self.probe,
        )
        self.defer(trigger=trigger, method_name="execute_complete")

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str]:
        """:raises AirflowSensorTimeout: naming the state the week is in."""
        tier, week_ending = Tier.parse(self.tier), dt.date.fromisoformat(event["week_ending"])
        if event["published"]:
            return _receipt(tier, week_ending)
        state = PublicationState(event["state"])
        reason = _REASONS[state].format(out=published_at(tier, week_ending), conn_id=self.conn_id)
        raise AirflowSensorTimeout(f"week ending {week_ending} of {tier} is not there ({state}): {reason}")

    def poke(self, context: Context) -> PokeReturnValue:
        tier, week_ending = self._partition(context)
        return PokeReturnValue(self._in_source(tier, week_ending), _receipt(tier, week_ending))

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def _partition(self, context: Context) -> tuple[Tier, dt.date]:
        tier = Tier.parse(self.tier)
        asked = None if self.week_ending in (None, "", "None") else self.week_ending  # what Jinja makes of a null
        return tier, week_of_run(context, asked) or newest_published(tier, self.now())

    def _in_source(self, tier: Tier, week_ending: dt.date) -> bool:
        if published_at(tier, week_ending) > self.now():
            return False
        probe: Probe = resolve_name(self.probe)
        return week_ending in probe(self.conn_id, tier)


def _receipt(tier: Tier, week_ending: dt.date) -> dict[str, str]:
    return {"tier": str(tier), "week_ending": week_ending.isoformat()}
