"""Expectations of Spine's own, as Great Expectations has them. Imported inside a gate alone.

A class with ``needs_history`` is given the keyword ``history`` (spine.quality.baselines), one with ``needs_facts`` the keyword
``facts`` (spine.quality.facts): what the ledger knows and a query over the rows does not.
"""

from __future__ import annotations

from typing import Any

from spine.quality.expectations.content import (
    ExpectColumnsAsBefore,
    ExpectNewContent,
    ExpectRequiredSymbols,
    ExpectSymbolsOfLastWeek,
    ExpectTypicalVolume,
    ExpectValidRate,
)
from spine.quality.expectations.levels import ExpectLevelLikeHistory, ExpectSteadyVenueShares, ExpectUsualVenues
from spine.quality.expectations.rows import ExpectNoRowsWhere, ExpectRanksConsecutive, ExpectSumOfSharesToBeOne

CUSTOM: dict[str, Any] = {
    each.__name__: each
    for each in (
        ExpectColumnsAsBefore,
        ExpectLevelLikeHistory,
        ExpectNewContent,
        ExpectNoRowsWhere,
        ExpectRanksConsecutive,
        ExpectRequiredSymbols,
        ExpectSteadyVenueShares,
        ExpectSumOfSharesToBeOne,
        ExpectSymbolsOfLastWeek,
        ExpectTypicalVolume,
        ExpectUsualVenues,
        ExpectValidRate,
    )
}
"""By the name that a suite gives."""
