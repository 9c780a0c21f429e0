"""The first Market Spine's gateway: weekly bond volumes over invented bonds, beside FINRA's own API."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from spine.core.errors import ValidationError
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending, published_at
from spine.finra.simulator.messages import Refusal
from spine.finra.synthetic.streams import Stream
from spine.finra.synthetic.words import COMPANY_FIRST, COMPANY_SECOND

BONDS = 60  # in each tier
_DIGITS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I and no O, as in CUSIPs


def weekly_bonds(seed: int, params: dict[str, str], now: dt.datetime) -> dict[str, Any]:
    """``{"results": [...]}`` of one tier and week; empty before the week is published.

    :raises Refusal: 400, a tier or week that is none.
    """
    try:
        tier = Tier.parse(params.get("tier", ""))
        week_ending = parse_week_ending(params.get("weekEnding", ""))
    except ValidationError as error:
        raise Refusal(400, error.message) from None
    if published_at(tier, week_ending) > now:
        return {"results": []}
    return {"results": [_bond(seed, tier, week_ending, slot) for slot in range(BONDS)]}


def _bond(seed: int, tier: Tier, week_ending: dt.date, slot: int) -> dict[str, Any]:
    """Customers trade a part of the volume; prices are per cent of par."""
    lasting = _draws(Stream.named(seed, "bonds", tier, slot))
    weekly = _draws(Stream.named(seed, "bonds", tier, slot, week_ending))
    volume = (1 + weekly[0] % 50_000) * 1000
    first, second = COMPANY_FIRST[lasting[0] % len(COMPANY_FIRST)], COMPANY_SECOND[lasting[1] % len(COMPANY_SECOND)]
    return {
        "cusip": _cusip(tier, slot),
        "symbol": f"{first[:2]}{second[:2]}.{slot:02d}".upper(),
        "issuerName": f"{first} {second} {2 + lasting[2] % 60 / 10:.3f}% {2027 + lasting[3] % 20}",
        "totalVolume": volume,
        "customerVolume": volume * (30 + weekly[1] % 60) // 100,
        "tradeCount": 1 + weekly[2] % 900,
        "avgPrice": round(80 + lasting[4] % 30 + weekly[3] % 1000 / 1000, 3),
    }


def _draws(stream: Stream) -> list[int]:
    return [int(bits) for bits in stream.bits(np.arange(5, dtype=np.int64))]


def _cusip(tier: Tier, slot: int) -> str:
    """Nobody's: issuer numbers that end in 990 to 99Z are kept for users' own purposes. The check digit is right."""
    issue = _DIGITS[slot // len(_DIGITS)] + _DIGITS[slot % len(_DIGITS)]
    base = f"{tier!s:0<3.3}990{issue}".replace("O", "0")
    return base + cusip_check_digit(base)


def cusip_check_digit(base: str) -> str:
    """The ninth character: modulus 10 double add double over the other eight (ANSI X9.6)."""
    values = [int(character, 36) * (1 + position % 2) for position, character in enumerate(base)]
    return str(-sum(value // 10 + value % 10 for value in values) % 10)
