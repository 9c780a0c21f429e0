"""Until when a wait lasts."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from spine.core.errors import ConfigurationError, DeadlineExceeded, ValidationError
from spine.core.results import StepResult
from spine.core.tiers import Tier
from spine.core.weeks import newest_published, parse_week_ending
from spine.core.zones import zone_problem
from spine.documents.spans import parse_duration
from spine.workflows.conditions import Scope
from spine.workflows.model import Wait
from spine.workflows.references import reference, resolve

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def until_problem(wait: Wait) -> tuple[str, str] | None:
    """What is wrong with a wait's instant or zone, and the key that holds it; None: nothing."""
    if problem := zone_problem(wait.timezone):
        return problem, "timezone"
    if wait.until is None or reference(wait.until) is not None or _TIME_OF_DAY.fullmatch(wait.until):
        return None
    try:
        dt.datetime.fromisoformat(wait.until)
    except ValueError:
        return f"'{wait.until}' is no instant; expected 2026-04-10T18:30, 18:30 or one reference", "until"
    return None


def resolve_wait(wait: Wait, scope: Scope) -> Wait:
    """The wait with the values its references name."""
    return replace(
        wait,
        duration=resolve(wait.duration, scope),
        until=resolve(wait.until, scope),
        publication=resolve(wait.publication, scope),
    )


def ends_at(wait: Wait, now: dt.datetime) -> dt.datetime:
    """The end, in UTC, of a wait whose references are resolved; ``now`` itself where it is over already.

    :raises ValidationError: a reference gave neither a span nor an instant.
    """
    if wait.duration is not None:
        seconds = parse_duration(wait.duration)
        if seconds is None:
            raise ValidationError(f"duration {wait.duration!r} is no time span; expected seconds, or 90s, 10m, 2h, 1d")
        return now + dt.timedelta(seconds=seconds)
    if wait.until is None:
        raise ConfigurationError("this wait is for FINRA's publication, which has no instant to wait for")
    return max(now, _instant(wait.until, ZoneInfo(wait.timezone), now))


def _instant(value: Any, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    text = value.isoformat() if isinstance(value, dt.datetime) else str(value)
    if _TIME_OF_DAY.fullmatch(text):
        text = f"{now.astimezone(zone).date()}T{text}"
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValidationError(f"until {text!r} is no instant; expected 2026-04-10T18:30 or 18:30") from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(dt.UTC)


def wait_here(
    wait: Wait, context: StepContext, sleep: Callable[[float], None], timeout: float | None = None
) -> StepResult:
    """Wait in this process; references are resolved.

    :raises DeadlineExceeded: FINRA did not have the week within ``timeout`` seconds, or the end lies beyond it.
    """
    started = context.clock()
    if wait.publication is not None:
        return _wait_for_week(wait, context, sleep, timeout)
    ends = end_in_time(wait, started, timeout)
    if ends > started:
        sleep((ends - started).total_seconds())
    return waited(started, ends)


def end_in_time(wait: Wait, started: dt.datetime, timeout: float | None) -> dt.datetime:
    """``ends_at``. :raises DeadlineExceeded: that lies more than ``timeout`` seconds away."""
    ends = ends_at(wait, started)
    if timeout is not None and (ends - started).total_seconds() > timeout:
        raise DeadlineExceeded(f"the wait ends at {ends:%Y-%m-%d %H:%M:%S %Z}, beyond its timeout of {timeout:g} s")
    return ends


def waited(started: dt.datetime, ends: dt.datetime) -> StepResult:
    """The receipt of a wait for an instant."""
    seconds = (ends - started).total_seconds()
    return StepResult.done(f"waited {seconds:.0f} s", until=ends.isoformat(), seconds=round(seconds, 3))


def week_to_wait_for(tier: Tier, params: Mapping[str, Any], now: dt.datetime) -> dt.date:
    """The week a run is for, or the newest one that is to be at FINRA."""
    asked = params.get("week_ending")
    return parse_week_ending(asked) if asked else newest_published(tier, now)


def not_published(tier: Tier, week: dt.date, timeout: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"FINRA did not have the week ending {week} of {tier} within {timeout:g} s")


def published(tier: Tier, week: dt.date) -> StepResult:
    """The receipt of a wait for a publication."""
    return StepResult.done(f"FINRA has the week ending {week} of {tier}", tier=str(tier), week_ending=week.isoformat())


def _wait_for_week(
    wait: Wait, context: StepContext, sleep: Callable[[float], None], timeout: float | None
) -> StepResult:
    tier = Tier.parse(wait.publication)
    week = week_to_wait_for(tier, context.params, context.clock())
    waited_for = 0.0
    with context.connections.finra(context.settings.finra_conn_id) as client:
        while week not in client.newest_weeks(tier):
            if timeout is not None and waited_for + wait.poll > timeout:
                raise not_published(tier, week, timeout)
            sleep(wait.poll)
            waited_for += wait.poll
    return published(tier, week)
