"""A refused line, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reject:
    """One line that did not become a published row; ``raw`` is what can be replayed."""

    line_number: int
    reason_code: str
    reason_detail: str
    raw: Mapping[str, Any]
    record_key: str = ""
