"""Who trades off exchange: invented ATS venues (known by MPID) and member firms (known by CRD number)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from spine.core.tiers import Tier
from spine.finra.synthetic.streams import Floats, Ints, Stream
from spine.finra.synthetic.words import PLACES, THINGS

MAX_VENUES = 400
DE_MINIMIS = 0  # position of the row that stands for all firms under the threshold; ATS venues have no such row


@dataclass(frozen=True, slots=True)
class Participants:
    """Venues in the order of their MPIDs, or firms in the order of their CRD numbers (De Minimis Firms first).

    ``rank`` says how large each is (0 is the largest) and identifies it; ``share`` is its part of the market.
    """

    rank: Ints
    share: Floats
    mpids: pa.Array
    crds: pa.Array
    names: pa.Array


@lru_cache(maxsize=16)
def venues_of(seed: int, tier: Tier, count: int) -> Participants:
    """The ATS venues of a tier; one in four trades OTC equities."""
    venues = sorted((place[:2] + thing[:2], f"{place} {thing}", rank) for rank, (place, thing) in _named(seed, count))
    if tier is Tier.OTCE:
        venues = [venue for venue in venues if venue[2] % 4 == 0]
    ranks = [rank for _, _, rank in venues]
    return Participants(
        rank=np.array(ranks, dtype=np.int64),
        share=_parts([1.0 / (rank + 3) for rank in ranks]),
        mpids=pa.array([mpid for mpid, _, _ in venues], pa.string()),
        crds=pa.nulls(len(venues), pa.int64()),
        names=pa.array([f"{mpid} {name} ATS" for mpid, name, _ in venues], pa.string()),
    )


@lru_cache(maxsize=16)
def firms_of(seed: int, count: int) -> Participants:
    """The member firms that trade outside ATSs, with De Minimis Firms (CRD 0, no part of its own) in front."""
    numbers = np.arange(count, dtype=np.int64)
    firms = sorted(
        (104_000 + 211 * place + gap, f"{first} {second} SECURITIES LLC", rank)
        for place, gap, (rank, (first, second)) in zip(
            Stream.named(seed, "crd order").bits(numbers).argsort(kind="stable").tolist(),
            Stream.named(seed, "crd gap").integers(0, 200, numbers).tolist(),
            _named(seed + 1, count),
            strict=True,
        )
    )
    ranks = [rank for _, _, rank in firms]
    return Participants(
        rank=np.array([count, *ranks], dtype=np.int64),
        share=_parts([0.0, *(1.0 / ((rank + 1) * (rank + 2)) for rank in ranks)]),
        mpids=pa.nulls(count + 1, pa.string()),
        crds=pa.array([0, *(crd for crd, _, _ in firms)], pa.int64()),
        names=pa.array(["De Minimis Firms", *(name for _, name, _ in firms)], pa.string()),
    )


def _named(seed: int, count: int) -> list[tuple[int, tuple[str, str]]]:
    """Rank and two-word name of each participant; the words' first two letters are unique, so MPIDs are."""
    space = len(PLACES) * len(THINGS)
    start = Stream.named(seed, "names").key % space
    codes = [(start + 167 * rank) % space for rank in range(count)]  # 167 is coprime to the space: a permutation
    return [(rank, (PLACES[code // len(THINGS)], THINGS[code % len(THINGS)])) for rank, code in enumerate(codes)]


def _parts(weights: Sequence[float]) -> Floats:
    total = math.fsum(weights)  # exact in any order and on any Python, as sum() is not
    return np.array([weight / total for weight in weights], dtype=np.float64)
