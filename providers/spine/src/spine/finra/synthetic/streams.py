"""Counter-based random numbers: a value depends on its stream's name and its position, on nothing drawn before.

Only integer arithmetic and the float operations that IEEE 754 rounds exactly are used here and by the callers (no exp,
log or pow, no reordered sums), so every machine, Python and numpy gives the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bits = NDArray[np.uint64]
Flags = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_MANTISSA = 2.0**-53


@dataclass(frozen=True, slots=True)
class Stream:
    """An endless table of random numbers, looked up by integer coordinates."""

    key: int

    @classmethod
    def named(cls, *parts: object) -> Stream:
        """The stream of these words and numbers; their order counts."""
        digest = blake2b("|".join(str(part) for part in parts).encode(), digest_size=8).digest()
        return cls(int.from_bytes(digest, "little"))

    def bits(self, *coordinates: Ints) -> Bits:
        """64 random bits for each position; the coordinates broadcast against each other."""
        state: Any = np.uint64(self.key)
        for coordinate in coordinates:
            state = _mix(coordinate.astype(np.uint64) * _GOLDEN + state)
        return np.asarray(state, dtype=np.uint64)

    def uniform(self, *coordinates: Ints) -> Floats:
        """Numbers in [0, 1)."""
        return (self.bits(*coordinates) >> np.uint64(11)).astype(np.float64) * _MANTISSA

    def integers(self, low: int, high: int, *coordinates: Ints) -> Ints:
        """Integers from ``low`` up to and without ``high``."""
        return (self.bits(*coordinates) % np.uint64(high - low)).astype(np.int64) + low

    def ratio(self, spread: float, *coordinates: Ints) -> Floats:
        """Positive factors around 1, as often above as below; at most ``1 + 1 / spread`` and its inverse."""
        bits = self.bits(*coordinates)
        upper = (bits >> np.uint64(32)).astype(np.float64) * 2.0**-32
        lower = (bits & np.uint64(0xFFFFFFFF)).astype(np.float64) * 2.0**-32
        return (spread + upper) / (spread + lower)


def once(stream: Stream) -> float:
    """The one number in [0, 1) of a stream that has no coordinates."""
    return float(stream.uniform(np.zeros(1, dtype=np.int64))[0])


def _mix(state: Bits) -> Bits:
    """The finalizer of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)."""
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
