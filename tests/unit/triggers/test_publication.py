"""The trigger sleeps until the publication, asks until the week is there, and says how it ended."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
from airflow.triggers.base import BaseTrigger

from spine.core.errors import ConfigurationError, DependencyError
from spine.core.publication import GRACE, UNKNOWN_GRACE
from spine.core.tiers import Tier
from spine.core.weeks import published_at
from spine.triggers.publication import FINRA_PROBE, WeekPublishedTrigger, finra_weeks
from tests.support.probes import PROBE, Answer, answering

WEEK = dt.date(2026, 10, 30)
OUT = published_at(Tier.T1, WEEK)
HOUR = dt.timedelta(hours=1)
OLDER = [WEEK - dt.timedelta(days=7)]
HERE = [WEEK, *OLDER]


class Sleepless(WeekPublishedTrigger):
    """Its clock jumps ahead instead of waiting."""

    def begin(self, now: dt.datetime) -> Sleepless:
        self.clock = now
        return self

    def now(self) -> dt.datetime:
        return self.clock

    async def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 60
        self.clock += dt.timedelta(seconds=seconds)


def trigger(start: dt.datetime, deadline: dt.datetime) -> Sleepless:
    made = Sleepless(
        tier="T1", week_ending=WEEK.isoformat(), conn_id="c", deadline=deadline, poll_seconds=600, probe=PROBE
    )
    return made.begin(start)


def events_of(trigger: BaseTrigger) -> list[dict[str, Any]]:
    async def collect() -> list[dict[str, Any]]:
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


def test_nobody_is_asked_before_the_publication() -> None:
    waiting = trigger(OUT - 30 * HOUR, OUT + HOUR)
    with answering(HERE) as asked:
        assert events_of(waiting) == [{"tier": "T1", "week_ending": "2026-10-30", "published": True}]
    assert asked == [("c", Tier.T1)]
    assert waiting.now() == OUT


def test_the_source_is_asked_until_it_has_the_week() -> None:
    waiting = trigger(OUT, OUT + 9 * HOUR)
    with answering(OLDER, DependencyError("down"), TimeoutError(), OLDER, HERE) as asked:
        assert events_of(waiting)[0]["published"] is True
    assert len(asked) == 5
    assert waiting.now() == OUT + dt.timedelta(minutes=40)


@pytest.mark.parametrize(
    ("after", "answer", "state"),
    [
        (-HOUR, HERE, "not_due"),
        (HOUR, OLDER, "due"),
        (GRACE + HOUR, OLDER, "late_at_source"),
        (GRACE + HOUR, DependencyError("down"), "due"),
        (UNKNOWN_GRACE + HOUR, DependencyError("down"), "late_here"),
    ],
)
def test_the_end_of_patience_tells_the_state(after: dt.timedelta, answer: Answer, state: str) -> None:
    with answering(answer):
        assert events_of(trigger(OUT - 2 * HOUR, OUT + after)) == [
            {"tier": "T1", "week_ending": "2026-10-30", "published": False, "state": state}
        ]


def test_an_error_that_will_not_get_better_ends_the_wait() -> None:
    with answering(ConfigurationError("no such connection")), pytest.raises(ConfigurationError):
        events_of(trigger(OUT, OUT + HOUR))


def test_the_triggerer_can_make_it_again() -> None:
    path, kwargs = WeekPublishedTrigger(
        tier="NMS_TIER_1", week_ending="2026-10-30", conn_id="c", deadline=OUT, poll_seconds=1, probe=PROBE
    ).serialize()
    assert path == "spine.triggers.publication.WeekPublishedTrigger"
    assert WeekPublishedTrigger(**kwargs).serialize() == (path, kwargs)
    assert kwargs["tier"] == "T1"


def test_finra_is_the_probe_unless_told_otherwise() -> None:
    assert f"{finra_weeks.__module__}.{finra_weeks.__name__}" == FINRA_PROBE
