"""FINRA's tiers and every spelling a person or a file may use for them."""

from __future__ import annotations

import re
from enum import StrEnum

from spine.core.errors import ValidationError


class Tier(StrEnum):
    """Canonical tier identifiers, as FINRA's API spells them.

    T1: NMS stocks in the S&P 500 or Russell 1000 and selected ETPs; T2: all other NMS stocks;
    OTCE: OTC equity securities (FINRA rules 6110 and 6610).
    """

    T1 = "T1"
    T2 = "T2"
    OTCE = "OTCE"

    @property
    def description(self) -> str:
        """FINRA's ``tierDescription`` in the weekly download."""
        return _DESCRIPTIONS[self]

    @classmethod
    def parse(cls, text: object) -> Tier:
        """The tier meant by any known spelling: ``T1``, ``NMS Tier 1``, ``nms_tier_1``, ``tier1``, ``OTC``, ``T3`` ...

        :raises ValidationError: for anything else; an unknown tier is never guessed.
        """
        tier = ALIASES.get(re.sub(r"[\s_\-]+", "", str(text)).upper())
        if tier is None:
            raise ValidationError(
                f"unknown tier {text!r}; expected T1, T2 or OTCE "
                "(also NMS_TIER_1, NMS Tier 1, tier1, ..., OTC, T3 for the third tier)",
                context={"tier": text},
            )
        return tier


_DESCRIPTIONS = {Tier.T1: "NMS Tier 1", Tier.T2: "NMS Tier 2", Tier.OTCE: "OTC"}

# Keys are upper-case with spaces, underscores and hyphens removed.
ALIASES: dict[str, Tier] = {
    **dict.fromkeys(("T1", "TIER1", "NMSTIER1", "NMST1", "1"), Tier.T1),
    **dict.fromkeys(("T2", "TIER2", "NMSTIER2", "NMST2", "2"), Tier.T2),
    **dict.fromkeys(("OTCE", "OTC", "OTCOTHER", "OTCEQUITY", "T3", "TIER3", "3"), Tier.OTCE),
}
