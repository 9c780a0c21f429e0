"""A wait of a workflow as an Airflow task that holds no worker."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowTaskTimeout

from spine.operators.step import SpineStepOperator
from spine.workflows.model import Wait

if TYPE_CHECKING:
    from airflow.sdk import Context

    from spine.core.results import StepResult
    from spine.workflows.conditions import Scope

_NO_TIMEOUT = 366 * 86_400.0


class WaitOperator(SpineStepOperator):
    """Defer until the instant, or until FINRA has the week; the triggerer waits."""

    def execute(self, context: Context) -> dict[str, Any]:
        scope = self.scope(context)
        try:
            return self.receipt(context, self._wait(scope))
        except (Exception, AirflowTaskTimeout) as error:  # noqa: BLE001 - on_error decides, whatever it is
            return self.receipt(context, self.settle(context, error))

    def ended(self, context: Context, event: dt.datetime) -> dict[str, Any]:
        """The instant has come."""
        from spine.workflows.waiting import waited

        started = context["ti"].start_date
        return self.receipt(context, waited(min(started, event), event))

    def asked(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """FINRA has the week, or the timeout is over."""
        from spine.core.tiers import Tier
        from spine.workflows.waiting import not_published, published

        tier, week = Tier.parse(event["tier"]), dt.date.fromisoformat(event["week_ending"])
        if event["published"]:
            return self.receipt(context, published(tier, week))
        late = not_published(tier, week, self._timeout)
        return self.receipt(context, self.settle(context, late.with_context(state=event["state"])))

    @property
    def _timeout(self) -> float:
        return self.step.timeout or _NO_TIMEOUT

    def _wait(self, scope: Scope) -> StepResult:
        """The receipt when there is nothing to wait for; else the task is deferred, which is an exception."""
        from spine.workflows.waiting import end_in_time, resolve_wait, waited

        assert isinstance(self.step.action, Wait)
        wait, now = resolve_wait(self.step.action, scope), dt.datetime.now(dt.UTC)
        if wait.publication is not None:
            self._defer_for_week(wait, scope, now)
        ends = end_in_time(wait, now, self.step.timeout)
        if ends > now:
            self._defer_until(ends)
        return waited(now, ends)

    def _defer_until(self, ends: dt.datetime) -> NoReturn:
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        self.defer(trigger=DateTimeTrigger(ends), method_name=self.ended.__name__)

    def _defer_for_week(self, wait: Wait, scope: Scope, now: dt.datetime) -> NoReturn:
        from spine.airflow_settings import load_settings
        from spine.core.tiers import Tier
        from spine.triggers.publication import FINRA_PROBE, WeekPublishedTrigger
        from spine.workflows.waiting import week_to_wait_for

        tier = Tier.parse(wait.publication)
        trigger = WeekPublishedTrigger(
            tier=str(tier),
            week_ending=week_to_wait_for(tier, scope.params, now).isoformat(),
            conn_id=load_settings().finra_conn_id,
            deadline=now + dt.timedelta(seconds=self._timeout),
            poll_seconds=wait.poll,
            probe=FINRA_PROBE,
        )
        self.defer(trigger=trigger, method_name=self.asked.__name__)
