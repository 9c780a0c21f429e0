"""The issues of a tier: symbols and names that nobody ever listed, which come and go, are renamed and change tape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spine.core.tiers import Tier
from spine.finra.synthetic.streams import Flags, Ints, Stream
from spine.finra.synthetic.words import COMPANY_FIRST, COMPANY_FORMS, COMPANY_SECOND, NMS_KINDS, OTC_KINDS

MAX_SYMBOLS = 50_000  # of a tier: what four letters hold for T1 and T2 side by side
_LETTERS = np.frombuffer(b"BCDFGHJKLMNPQRSTVWXZ", dtype=np.uint8)  # no vowels: a random ticker should not be a word
_SHORT_TICKERS = len(_LETTERS) ** 3
_VISITORS = 0.15  # issues that are not listed all the time
_CLASS_SHARES = 0.04
_TAPES = ("CTS", "UTP")


@dataclass(frozen=True, slots=True)
class Issues:
    """A tier's issues in the order of their symbols; ``slot`` is an issue's identity and its rank by size."""

    seed: int
    tier: Tier
    slot: Ints
    symbols: pa.Array

    def listed(self, week: int) -> Ints:
        """Positions of the issues that trade in a week."""
        away = self._visitor() & (self._visit_age(week) * 3 >= self._visit_period() * 2)
        return np.flatnonzero(~away)

    def names(self, week: int) -> pa.Array:
        """Issue names. A visitor's ticker comes back as another company's; the others are renamed once in years."""
        tenure = self._generation("name", 400, 1200, week)
        visit = (week + self._visit_phase()) // self._visit_period()
        return self._company(np.where(self._visitor(), visit, tenure))

    def product_types(self, week: int) -> pa.Array:
        """``productTypeCode``. A tape changes on a Monday here; FINRA also shows both tapes when it changes within."""
        if self.tier is Tier.OTCE:
            return pa.repeat(pa.scalar("OTCE"), len(self.slot))
        tape = self._stream("tape").integers(0, 2, self.slot) + self._generation("tape", 600, 1800, week)
        return pa.array(_TAPES).take(pa.array(tape % 2))

    def _stream(self, *parts: object) -> Stream:
        return Stream.named(self.seed, "issues", self.tier, *parts)

    def _generation(self, what: str, low: int, high: int, week: int) -> Ints:
        period = self._stream(what, "period").integers(low, high, self.slot)
        return (week + self._stream(what, "phase").integers(0, high, self.slot)) // period

    def _visitor(self) -> Flags:
        return self._stream("visitor").uniform(self.slot) < _VISITORS

    def _visit_period(self) -> Ints:
        return self._stream("visit period").integers(26, 104, self.slot)

    def _visit_phase(self) -> Ints:
        return self._stream("visit phase").integers(0, 104, self.slot)

    def _visit_age(self, week: int) -> Ints:
        return (week + self._visit_phase()) % self._visit_period()

    def _company(self, generation: Ints) -> pa.Array:
        def pick(words: tuple[str, ...], what: str, *more: Ints) -> pa.Array:
            return pa.array(words).take(pa.array(self._stream(what).integers(0, len(words), self.slot, *more)))

        kinds = pick(OTC_KINDS if self.tier is Tier.OTCE else NMS_KINDS, "kind")
        kinds = pc.if_else(pc.ends_with(self.symbols, ".B"), "Class B Common Stock", kinds)
        words = (pick(COMPANY_FIRST, "first", generation), pick(COMPANY_SECOND, "second", generation))
        return pc.binary_join_element_wise(*words, pick(COMPANY_FORMS, "form"), kinds, " ")


@lru_cache(maxsize=16)
def issues_of(seed: int, tier: Tier, count: int) -> Issues:
    """The first ``count`` issues of a tier: a larger market only adds smaller issues."""
    slots = np.arange(count, dtype=np.int64)
    symbols = _symbols(Stream.named(seed, "tickers"), tier, slots)
    order = np.argsort(symbols, kind="stable")
    return Issues(seed, tier, slots[order], pa.array(symbols[order].tolist()).cast(pa.string()))


def _symbols(stream: Stream, tier: Tier, slots: Ints) -> Any:
    """Tickers as bytes: unique over T1 and T2 (even and odd numbers) and within OTCE (whose have a fifth letter)."""
    long = _letters(_scattered(stream, slots * 2 + (tier is Tier.T2), 4), 4)
    if tier is Tier.OTCE:
        last = np.frombuffer(b"FFFYYQ", dtype=np.uint8)[stream.integers(0, 6, slots)]
        return np.char.add(long, last.reshape(-1, 1).view("S1").ravel())
    if tier is Tier.T1:
        long = np.where(slots < _SHORT_TICKERS, _letters(_scattered(stream, slots % _SHORT_TICKERS, 3), 3), long)
    return np.char.add(long, np.where(stream.uniform(slots) < _CLASS_SHARES, b".B", b""))


def _scattered(stream: Stream, numbers: Ints, letters: int) -> Ints:
    """A permutation of the numbers below 20^letters: the multiplier is coprime to 20."""
    space = len(_LETTERS) ** letters
    stride = {3: 4943, 4: 98_883}[letters]
    codes: Ints = (numbers * stride + stream.key % space) % space
    return codes


def _letters(codes: Ints, letters: int) -> Any:
    digits = np.stack([codes // len(_LETTERS) ** power % len(_LETTERS) for power in reversed(range(letters))], axis=1)
    return np.ascontiguousarray(_LETTERS[digits]).view(f"S{letters}").ravel()
