"""What a request may ask for, checked before anything is read. Every value that is wrong is a ValidationError."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending

DEFAULT_WEEKS = 12
MAX_WEEKS = 260


@dataclass(frozen=True, slots=True)
class AskedRange:
    """The weeks and tiers of a coverage. Either ``weeks`` or ``start`` is set."""

    tiers: tuple[Tier, ...]
    weeks: int | None
    start: dt.date | None
    end: dt.date | None


def asked_range(
    weeks: Annotated[int | None, Query(ge=1, le=MAX_WEEKS, description="How many, up to the last one")] = None,
    tier: Annotated[list[str] | None, Query(description="T1, T2, OTCE or an alias; may be repeated")] = None,
    start: Annotated[str | None, Query(description="First week, a Friday; instead of weeks")] = None,
    end: Annotated[str | None, Query(description="Last week, a Friday; by default the newest published")] = None,
) -> AskedRange:
    """:raises ValidationError: an unknown tier or a day that ends no week."""
    tiers = tuple(dict.fromkeys(Tier.parse(each) for each in tier)) if tier else tuple(Tier)
    first = parse_week_ending(start) if start else None
    last = parse_week_ending(end) if end else None
    return AskedRange(tiers, weeks or (None if first else DEFAULT_WEEKS), first, last)


Asked = Annotated[AskedRange, Depends(asked_range)]
