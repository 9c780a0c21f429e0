"""Weeks of the synthetic market on disk, as a downloader would have collected them by a given day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spine.core.tiers import Tier
from spine.core.weeks import NEW_YORK, newest_published, window
from spine.finra.download_file import Defect, FileFormat, file_name, write_week_file
from spine.finra.synthetic.market import SyntheticMarket

# By this day all tiers have the eight weeks 2026-02-20 to 2026-04-10: a holiday Monday, a closed Friday, fractional
# shares from the second week on, and (default seed) one restatement.
DEFAULT_UNTIL = dt.date(2026, 5, 15)
RESTATED_FOLDER = "restated"
_DEFECTS = {
    Tier.T1: (Defect.EMPTY_SYMBOL,),
    Tier.T2: (Defect.NO_FINAL_NEWLINE,),
    Tier.OTCE: (Defect.EMPTY_SYMBOL, Defect.NO_FINAL_NEWLINE),
}


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file and the partition in it; revision 1 is the restated one."""

    path: Path
    tier: Tier
    week_ending: dt.date
    rows: int
    revision: int


def write_weeks(
    folder: Path,
    *,
    weeks: int = 8,
    until: dt.date = DEFAULT_UNTIL,
    tiers: Iterable[Tier] = tuple(Tier),
    market: SyntheticMarket | None = None,
    file_format: FileFormat = FileFormat.DOWNLOAD,
    defects: bool = False,
) -> list[WrittenFile]:
    """Write what is published at the end of the day ``until``: one file per tier and week, oldest first.

    All tiers get the newest ``weeks`` weeks that are out for all of them; T1, which is published earlier, also its
    newer ones. A week restated by then is in ``folder`` as first published and in ``folder/restated`` as corrected.

    :param defects: give the newest file of each tier the flaws that real downloads have had.
    """
    market = market or SyntheticMarket()
    written = []
    for tier, tier_weeks in _published_weeks(tuple(tiers), weeks, until).items():
        for week_ending in tier_weeks:
            flaws = _DEFECTS[tier] if defects and week_ending == tier_weeks[-1] else ()
            for revision in range(market.revision_on(tier, week_ending, until) + 1):
                path = (folder / RESTATED_FOLDER if revision else folder) / file_name(tier, week_ending, file_format)
                path.parent.mkdir(parents=True, exist_ok=True)
                rows = market.week(tier, week_ending, revision=revision)
                count = write_week_file(rows, path, file_format=file_format, defects=flaws)
                written.append(WrittenFile(path, tier, week_ending, count, revision))
    return written


def _published_weeks(tiers: tuple[Tier, ...], weeks: int, until: dt.date) -> dict[Tier, list[dt.date]]:
    """The weeks to write for each tier, oldest first."""
    night = dt.datetime.combine(until, dt.time(23, 59), NEW_YORK)
    newest = {tier: newest_published(tier, night) for tier in tiers}
    common = min(newest.values())
    return {tier: window(newest[tier], weeks + (newest[tier] - common).days // 7) for tier in tiers}
