"""``totalNotionalSum``: what the shares of a row were worth, at an invented price that an issue keeps."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spine.core.tiers import Tier
from spine.finra.decimals import from_units, to_millionths
from spine.finra.synthetic.streams import Ints, Stream
from spine.finra.synthetic.volumes import MILLIONTHS

CENTS_FROM = dt.date(2025, 3, 10)  # weekStartDate of the first week whose sums had decimals in FINRA's data
_FIRM_PRICE = {Tier.T1: 8_000, Tier.T2: 2_500, Tier.OTCE: 120}  # cents: rows over all issues have no issue's price
_MICRODOLLARS = MILLIONTHS // 100  # in a cent


def notional_sums(rows: pa.Table, seed: int, tier: Tier, monday: dt.date) -> pa.Array:
    """US dollars as decimals; whole ones before CENTS_FROM."""
    cents = _price_cents(rows["issueSymbolIdentifier"], seed, tier)
    millionths = to_millionths(rows["totalWeeklyShareQuantity"])
    whole, part = np.divmod(millionths, MILLIONTHS)
    microdollars = whole * cents * _MICRODOLLARS + part * cents // 100
    if monday < CENTS_FROM:
        microdollars = microdollars // MILLIONTHS * MILLIONTHS
    return from_units(microdollars, pa.decimal128(24, 6))


def _price_cents(symbols: Any, seed: int, tier: Tier) -> Ints:
    """A price for each symbol: its letters are the position in the stream."""
    text = pc.fill_null(symbols, "").to_numpy(zero_copy_only=False).astype("S8")
    letters = text.view("<i8").ravel()
    drawn = Stream.named(seed, "price", tier).integers(50, 4 * _FIRM_PRICE[tier], letters)
    return np.where(letters == 0, _FIRM_PRICE[tier], drawn)
