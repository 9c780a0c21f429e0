"""Identity: which week of which tier (a partition), and which observation of it (a capture)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass

from spine.core.tiers import Tier


@dataclass(frozen=True, slots=True)
class Partition:
    """One week of one tier of one dataset: the unit that is captured, leased, published and replaced."""

    dataset: str
    tier: Tier
    week_ending: dt.date

    @property
    def key(self) -> str:
        """Canonical JSON, as stored in ``partition_key`` columns."""
        return json.dumps({"tier": str(self.tier), "week_ending": self.week_ending.isoformat()}, separators=(",", ":"))

    def __str__(self) -> str:
        return f"{self.dataset}:{self.tier}:{self.week_ending}"


def capture_id(partition: Partition, captured_at: dt.datetime) -> str:
    """``dataset:tier:week_ending:xxxxxx``, the last part six hex digits of SHA-256 over tier, week and instant."""
    seed = f"{partition.tier}|{partition.week_ending}|{captured_at.astimezone(dt.UTC).isoformat()}"
    return f"{partition}:{hashlib.sha256(seed.encode()).hexdigest()[:6]}"
