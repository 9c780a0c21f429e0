"""Which week a file holds."""

from __future__ import annotations

import datetime as dt

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import friday_of, parse_date, parse_week_ending, published_on, week_published_on
from spine.finra.layout import Layout
from spine.sources.base import SourceBatch


def resolve_week(layout: Layout, first: SourceBatch, tier: Tier, given: dt.date | None, source: str) -> dt.date:
    """Which week a file holds: what the caller says, what a week column says, or the publication rule.

    ``lastUpdateDate`` is when FINRA last touched a row; only an unrevised one is a publication date. So the most frequent
    date of the first batch tells the week, and a given week is believed when any row bears its publication date.

    :raises ValidationError: the week cannot be told, or what was given contradicts the file.
    """
    said = _week_of_rows(layout, first, tier, given)
    if said is None and given is None:
        raise ValidationError(f"{source}: nothing in the file tells its week; pass week_ending")
    if given and said and given != said[0]:
        raise ValidationError(
            f"{source}: week_ending {given} was given, but the file holds the week ending {said[0]} ({said[1]})"
        )
    return given or said[0]  # type: ignore[index]


def _week_of_rows(layout: Layout, first: SourceBatch, tier: Tier, given: dt.date | None) -> tuple[dt.date, str] | None:
    """The week, and the words for how it shows."""
    if days := _dates(first, layout.columns.get("week_ending")):
        return parse_week_ending(days[0]), "its week column"
    if days := _dates(first, layout.columns.get("week_start")):
        return friday_of(days[0]), f"its weekStartDate {days[0]}"
    days = _dates(first, layout.columns.get("last_update_date"))
    if given and published_on(tier, given) in days:
        return given, "its lastUpdateDate"
    if days and (week := week_published_on(tier, days[0])):
        return week, f"most of its rows were last updated on {days[0]}, when {tier} of that week was published"
    return None


def _dates(batch: SourceBatch, column: str | None) -> list[dt.date]:
    """The dates of a column, the most frequent first; a bad date is its row's problem, not evidence of a week."""
    counts: dict[dt.date, int] = {}
    for each in batch.rows.column(column).value_counts().to_pylist() if column else ():
        try:
            day = parse_date((each["values"] or "").strip())
        except ValidationError:
            continue
        counts[day] = counts.get(day, 0) + int(each["counts"])
    return sorted(counts, key=lambda day: (-counts[day], day))
