"""Names of FINRA's weekly download files: ``finra_otc_weekly_{tier1|tier2|otc}_{publication date}.csv``."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from spine.core.errors import SourceError
from spine.core.tiers import Tier
from spine.core.weeks import published_on

# How file names spell the tiers, as downloaders have always done.
TIER_WORDS = {Tier.T1: "tier1", Tier.T2: "tier2", Tier.OTCE: "otc"}
_TIER_HINTS = {Tier.T1: r"tier_?1", Tier.T2: r"tier_?2", Tier.OTCE: r"(?:^|[_-])otce?(?:$|[_-])"}
_DATED = re.compile(r"(\d{8})$")


def download_name(tier: Tier, week_ending: dt.date) -> str:
    """The name under which the first publication of a week is kept."""
    return f"finra_otc_weekly_{TIER_WORDS[tier]}_{published_on(tier, week_ending):%Y%m%d}.csv"


def tier_of_name(path: str | Path) -> Tier | None:
    """The tier a file name speaks of, when it speaks of exactly one."""
    stem = re.sub(r"finra[_-]otc", "finra", Path(path).stem, flags=re.IGNORECASE)
    found = [tier for tier, hint in _TIER_HINTS.items() if re.search(hint, stem, re.IGNORECASE)]
    return found[0] if len(found) == 1 else None


def find_download(root: Path, tier: Tier, week_ending: dt.date | None) -> Path:
    """The download file of a week in ``root``, or the newest one of the tier when no week is given.

    :raises SourceError: naming the file that was expected and what is there.
    """
    there = sorted(path for path in root.glob(f"finra_otc_weekly_{TIER_WORDS[tier]}_*.csv") if _DATED.search(path.stem))
    if week_ending is None:
        if there:
            return there[-1]
        expected = f"finra_otc_weekly_{TIER_WORDS[tier]}_YYYYMMDD.csv"
    else:
        expected = download_name(tier, week_ending)
        if (root / expected) in there:
            return root / expected
    seen = f"the newest one there is {there[-1].name}" if there else f"there is no file of {tier} at all"
    raise SourceError(f"no file {expected} in {root}; {seen}. Put it there, or give file_path", context={"tier": tier})
