"""The sensor hands over to the trigger, and tells in words what it waited for in vain."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import pytest
from airflow.sdk import Context
from airflow.sdk.bases.sensor import PokeReturnValue
from airflow.sdk.exceptions import AirflowSensorTimeout, AirflowSkipException, TaskDeferred

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import newest_published
from spine.sensors.publication import WeekPublishedSensor
from spine.triggers.publication import WeekPublishedTrigger
from tests.support.probes import PROBE, answering

WEEK = dt.date(2026, 10, 30)
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
RECEIPT = {"tier": "T1", "week_ending": "2026-10-30"}


def sensor(now: dt.datetime = NOW, **options: Any) -> WeekPublishedSensor:
    made = WeekPublishedSensor(
        **{
            "task_id": "wait",
            "tier": "{{ params.tier }}",
            "week_ending": "{{ params.week }}",
            "probe": PROBE,
            **options,
        }
    )
    made.now = lambda: now  # type: ignore[method-assign]
    return made


def run(sensor: WeekPublishedSensor, week: str | None = "2026-10-30", tier: str = "NMS_TIER_1") -> Any:
    context = cast("Context", {"params": {"tier": tier, "week": week}})
    sensor.render_template_fields(context)
    return sensor.execute(context)


def test_a_week_that_is_there_needs_no_wait() -> None:
    with answering([WEEK]) as asked:
        assert run(sensor()) == RECEIPT
    assert asked == [("finra_default", Tier.T1)]


def test_no_week_is_the_newest_published_one() -> None:
    with answering([WEEK]):
        assert run(sensor(), week=None) == RECEIPT
    assert newest_published(Tier.T1, NOW) == WEEK


def test_a_week_that_is_not_there_is_left_to_the_triggerer() -> None:
    with answering([]), pytest.raises(TaskDeferred) as deferred:
        run(sensor(timeout=3600, poke_interval=60, conn_id="mine"))
    trigger = deferred.value.trigger
    assert isinstance(trigger, WeekPublishedTrigger)
    assert (trigger.week_ending, trigger.conn_id, trigger.poll_seconds) == (WEEK, "mine", 60)
    assert trigger.deadline == NOW + dt.timedelta(hours=1)
    assert deferred.value.method_name == "execute_complete"


def test_a_week_that_is_not_due_asks_nobody() -> None:
    with answering([]) as asked, pytest.raises(TaskDeferred):
        run(sensor(), week="2026-11-20")
    assert asked == []


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_day_that_ends_no_week_is_refused(deferrable: bool) -> None:
    with pytest.raises(ValidationError, match="did you mean 2026-10-30"):
        run(sensor(deferrable=deferrable), week="2026-10-29")


def resume(sensor: WeekPublishedSensor, **event: Any) -> Any:
    sensor.tier = "T1"
    kwargs = {"event": {"week_ending": "2026-10-30", **event}}
    return sensor.resume_execution("execute_complete", kwargs, cast("Context", {}))


def test_the_triggerers_good_news_is_the_receipt() -> None:
    assert resume(sensor(), published=True) == RECEIPT


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("not_due", "it is published on 2026-11-16 06:00 EST, after the sensor's timeout"),
        ("due", "nobody is late yet; wait longer"),
        ("late_at_source", "FINRA is late: it was to be published on 2026-11-16 06:00 EST"),
        ("late_here", "could not be asked since 2026-11-16 06:00 EST; test connection 'finra_default'"),
    ],
)
def test_a_timeout_says_who_is_late(state: str, told: str) -> None:
    with pytest.raises(AirflowSensorTimeout) as timeout:
        resume(sensor(), published=False, state=state)
    assert str(timeout.value).startswith(f"week ending 2026-10-30 of T1 is not there ({state}): ")
    assert told in str(timeout.value)


def test_a_soft_failure_skips() -> None:
    with pytest.raises(AirflowSkipException):
        resume(sensor(soft_fail=True), published=False, state="due")


def test_it_pokes_where_no_triggerer_runs() -> None:
    with answering([WEEK]):
        assert run(sensor(deferrable=False)) == RECEIPT
    with answering([]):
        found = sensor(deferrable=False, tier="T1", week_ending="2026-10-30").poke(cast("Context", {}))
    assert isinstance(found, PokeReturnValue)
    assert not found.is_done
