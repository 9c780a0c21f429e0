"""What an assessment looks for, and what it finds."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from spine.alerts.model import AlertSeverity
from spine.core.tiers import Tier
from spine.pipelines.normalize import plain_number


class Check(StrEnum):
    """The kinds of check, in the order in which a report tells them."""

    COVERAGE = "coverage"
    LEDGER = "ledger"
    DUPLICATES = "duplicates"
    ORPHANS = "orphans"
    RECOMPUTED = "recomputed"
    TOTALS = "totals"
    SHARES = "shares"
    ROLLING = "rolling"
    DRIFT = "drift"
    GATES = "gates"
    SOURCE = "source"


MEANINGS: Mapping[Check, str] = {
    Check.COVERAGE: "Every week that FINRA has published is here, with all of its stages, and readers see it.",
    Check.LEDGER: "Lines read, rejected, normalized and aggregated add up to what each capture's record says.",
    Check.DUPLICATES: "No row key occurs twice among the published rows of a capture.",
    Check.ORPHANS: "No row belongs to a capture that is not on record, no symbol stands on one side only.",
    Check.RECOMPUTED: "Every symbol's totals, added up again from the source lines, are those that were published.",
    Check.TOTALS: "Symbols, venues, concentration and liquidity of a week add up to the same volume and trades.",
    Check.SHARES: "Market shares sum to 1, ranks leave no number out, concentration lies between 0 and 1.",
    Check.ROLLING: "Every rolling mean, computed again from the weeks of its window, is the one that was published.",
    Check.DRIFT: "Rows, symbols, venues, shares and trades lie where the weeks before let expect them.",
    Check.GATES: "The week passed its gates without a warning.",
    Check.SOURCE: "What is stored is what the source has today.",
}


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that is not as it should be.

    :param severity: WARNING: worth a look; ERROR: readers lack something; CRITICAL: a published number is wrong.
    :param about: tells it from other issues of the same check, tier and week; never changes with the numbers.
    :param tier, week_ending: None where it is about the whole database; ``summary_type`` is empty then.
    :param affected: rows, symbols or weeks that it is about.
    :param remedy: what to type; empty where only a person can say.
    """

    check: Check
    severity: AlertSeverity
    about: str
    message: str
    tier: Tier | None = None
    week_ending: dt.date | None = None
    capture_id: str = ""
    affected: int = 0
    remedy: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    summary_type: str = ""

    @property
    def key(self) -> str:
        """Equal for the same issue found again, whatever its numbers are then; 32 hex digits."""
        about = (self.check, self.about, self.tier or "", self.week_ending or "", self.summary_type)
        return hashlib.sha256("|".join(map(str, about)).encode()).hexdigest()[:32]

    def to_dict(self) -> dict[str, Any]:
        return {
            "check": str(self.check),
            "severity": str(self.severity),
            "about": self.about,
            "message": self.message,
            "tier": None if self.tier is None else str(self.tier),
            "week_ending": None if self.week_ending is None else self.week_ending.isoformat(),
            "summary_type": self.summary_type,
            "capture_id": self.capture_id,
            "affected": self.affected,
            "remedy": self.remedy,
            "details": dict(self.details),
        }


def shown(total: Any) -> str:
    """A total for people: exact, with thousands separators."""
    number = plain_number(total)
    return f"{number:,}" if isinstance(number, int) else number
