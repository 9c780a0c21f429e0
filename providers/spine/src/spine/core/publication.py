"""When on its publication day a week may be asked for, and who is late when it is not there: FINRA or we.

Pure: what the source has and what is captured is for the caller to find out.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import PUBLICATION_TIME, published_at

GRACE = dt.timedelta(hours=12)  # FINRA says "not earlier than 6:00 AM ET", not how much later
UNKNOWN_GRACE = dt.timedelta(days=2)  # a source that cannot be asked is usually back within a day


class PublicationState(StrEnum):
    """Where a week of a tier stands.

    NOT_DUE: FINRA does not publish it before ``published_at``; nothing to do.
    DUE: its time has come and nobody is late: it is captured, or the grace is not over.
    LATE_AT_SOURCE: the grace is over and the source does not have it; wait, or ask FINRA.
    LATE_HERE: the grace is over and the source has it, or could not be asked for too long, and we have not captured
    it; look at our own runs.
    """

    NOT_DUE = "not_due"
    DUE = "due"
    LATE_AT_SOURCE = "late_at_source"
    LATE_HERE = "late_here"


def publication_state(
    tier: Tier,
    week_ending: dt.date,
    now: dt.datetime,
    *,
    in_source: bool | None,
    captured: bool,
    grace: dt.timedelta = GRACE,
    unknown_grace: dt.timedelta = UNKNOWN_GRACE,
) -> PublicationState:
    """Where the week stands at ``now`` (timezone-aware).

    :param in_source: whether the source has the week; None when it could not be asked.
    :param grace: how long after the publication instant nobody is late yet.
    :param unknown_grace: the same while ``in_source`` is None; never less than ``grace``.
    """
    out = published_at(tier, week_ending)
    if now < out:
        return PublicationState.NOT_DUE
    patience = grace if in_source is not None else max(grace, unknown_grace)
    if captured or now <= out + patience:
        return PublicationState.DUE
    return PublicationState.LATE_AT_SOURCE if in_source is False else PublicationState.LATE_HERE


def parse_publication_time(text: str) -> dt.time:
    """A New York time of day, ``HH:MM``, at which a week published that day can be there.

    :raises ValidationError: another form, or earlier than FINRA publishes.
    """
    try:
        time = dt.datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise ValidationError(f"{text!r} is not a time of day; expected HH:MM, such as '06:30'") from None
    if time < PUBLICATION_TIME:
        raise ValidationError(f"{text} is too early: FINRA publishes from {PUBLICATION_TIME:%H:%M} New York time on")
    return time
