"""Waits, in the triggerer, until a source has a week."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Collection
from pkgutil import resolve_name
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from spine.core.errors import as_spine_error
from spine.core.publication import publication_state
from spine.core.tiers import Tier
from spine.core.weeks import published_at

Probe = Callable[[str, Tier], Collection[dt.date]]
"""Asks the source behind a connection which weeks (Fridays) of a tier it has. Blocks; runs in a thread."""

_LONGEST_SLEEP = 60.0  # so that a clock that is set, or a suspended machine, is noticed


def finra_weeks(conn_id: str, tier: Tier) -> Collection[dt.date]:
    """The probe that asks FINRA."""
    from spine.hooks.finra import FinraHook

    with FinraHook(conn_id).get_client() as client:
        return client.newest_weeks(tier)


FINRA_PROBE = f"{__name__}.{finra_weeks.__name__}"


class WeekPublishedTrigger(BaseTrigger):
    """Sleeps until the week is to be published, then asks the source until it has it or the deadline is over.

    A source that cannot be reached is asked again; an error that will not get better fails the task.

    :param week_ending: the Friday, ISO.
    :param poll_seconds: between two questions.
    :param probe: dotted path of a ``Probe``.
    """

    def __init__(
        self, *, tier: str, week_ending: str, conn_id: str, deadline: dt.datetime, poll_seconds: float, probe: str
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tier = Tier.parse(tier)
        self.week_ending = dt.date.fromisoformat(week_ending)
        self.conn_id = conn_id
        self.deadline = deadline
        self.poll_seconds = poll_seconds
        self.probe = probe

    def serialize(self) -> tuple[str, dict[str, Any]]:
        kwargs = {
            "tier": str(self.tier),
            "week_ending": self.week_ending.isoformat(),
            "conn_id": self.conn_id,
            "deadline": self.deadline,
            "poll_seconds": self.poll_seconds,
            "probe": self.probe,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: ``tier``, ``week_ending``, ``published``, and for a week that is not there the ``state`` it is in."""
        in_source: bool | None = None
        await self._sleep_until(min(published_at(self.tier, self.week_ending), self.deadline))
        while not in_source and self.now() < self.deadline:
            in_source = await self._ask()
            if not in_source:
                await self._sleep_until(min(self.now() + dt.timedelta(seconds=self.poll_seconds), self.deadline))
        week = {"tier": str(self.tier), "week_ending": self.week_ending.isoformat()}
        yield TriggerEvent({**week, **self._outcome(in_source)})

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _sleep_until(self, moment: dt.datetime) -> None:
        while (left := (moment - self.now()).total_seconds()) > 0:
            await self.sleep(min(left, _LONGEST_SLEEP))

    async def _ask(self) -> bool | None:
        """Whether the source has the week; None when it could not be asked."""
        probe: Probe = resolve_name(self.probe)
        try:
            return self.week_ending in await asyncio.to_thread(probe, self.conn_id, self.tier)
        except Exception as error:
            known = as_spine_error(error)
            if not known.retryable:
                raise
            self.log.warning("%s could not be asked for weeks of %s: %s", self.conn_id, self.tier, known)
            return None

    def _outcome(self, in_source: bool | None) -> dict[str, Any]:
        if in_source:
            return {"published": True}
        state = publication_state(self.tier, self.week_ending, self.now(), in_source=in_source, captured=False)
        return {"published": False, "state": str(state)}
