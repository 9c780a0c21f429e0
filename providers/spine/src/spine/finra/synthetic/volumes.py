"""What trades in a week: shares and trades of every issue with every participant, before anyone writes it down."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from spine.core.tiers import Tier
from spine.core.weeks import monday_of, sessions_of
from spine.finra.synthetic.issues import Issues
from spine.finra.synthetic.participants import Participants
from spine.finra.synthetic.streams import Flags, Floats, Ints, Stream, once

MILLIONTHS = 1_000_000  # shares are counted in millionths, the six decimals FINRA publishes
FRACTIONS_FROM = dt.date(2026, 2, 23)  # weekStartDate of the first week with fractional shares in FINRA's data
FRACTION_RATE = 0.13
CORRECTED_RATE = 0.03  # of a restated week's rows
FLIPPED_RATE = 0.0075  # of all pairs: those that traded vanish in a restatement, the others appear
_EPOCH = dt.date(1970, 1, 5)  # a Monday


@dataclass(frozen=True, slots=True)
class Shape:
    """How a tier's volume spreads.

    :param top_shares: weekly shares of the largest issue, all participants together.
    :param flatness: how many issues count as largest before Zipf's law bites.
    :param steep: volume falls with rank^1.5 instead of rank, as among OTC equities.
    :param density: part of the (issue, participant) pairs that trade.
    :param trade_size: shares per trade of a typical issue, from and to.
    """

    top_shares: float
    flatness: float
    steep: bool
    density: float
    trade_size: tuple[float, float]


SHAPES = {
    Tier.T1: Shape(6e7, 2.0, False, 0.62, (50.0, 300.0)),
    Tier.T2: Shape(2e7, 3.0, False, 0.32, (80.0, 400.0)),
    Tier.OTCE: Shape(2.5e8, 1.0, True, 0.18, (200.0, 20_000.0)),
}


@dataclass(frozen=True, slots=True)
class Volumes:
    """One entry per traded pair, by issue, then participant (positions in Issues and Participants).

    ``trades`` is 0 where a restatement removed the pair, ``touched`` where one changed it, ``first_trades`` what was
    counted before.
    """

    issue: Ints
    participant: Ints
    millionths: Ints
    trades: Ints
    first_trades: Ints
    touched: Flags


@dataclass(frozen=True, slots=True)
class Session:
    """One week of one side (``ATS`` or ``OTC``) of a tier: the generator and its streams."""

    seed: int
    side: str
    tier: Tier
    week_ending: dt.date
    issues: Issues
    participants: Participants

    def volumes(self, *, restated: bool = False) -> Volumes:
        """All that traded; ``restated`` applies the corrections, additions and removals of revision 1."""
        issue, participant, added, removed = self._pairs(restated)
        slot, rank = self.issues.slot[issue], self.participants.rank[participant]
        shares = self._shares(issue, participant, slot, rank)
        size = self._trade_size(slot, rank)
        first_trades = _trades(shares, size)
        corrected = np.zeros(len(shares), dtype=np.bool_)
        if restated:
            corrected = self._weekly("correct").uniform(slot, rank) < CORRECTED_RATE
            shares = np.where(corrected, self._corrected(shares, slot, rank), shares)
        trades = np.where(removed, 0, _trades(shares, size))
        millionths = np.where(removed, 0, shares * MILLIONTHS + self._fractions(slot, rank))
        return Volumes(issue, participant, millionths, trades, first_trades, corrected | added | removed)

    def _pairs(self, restated: bool) -> tuple[Ints, Ints, Flags, Flags]:
        """Who trades what, with flags for the pairs that a restatement added or removed."""
        listed = self.issues.listed(week_number(self.week_ending))
        slot, rank = self.issues.slot[listed].reshape(-1, 1), self.participants.rank.reshape(1, -1)
        # Mostly a lasting taste, and a little of the week: pairs come and go only around the limit.
        wish = self._lasting("taste").uniform(slot, rank) + 0.06 * self._weekly("whim").uniform(slot, rank)
        present = wish < self._appetite(slot, rank)
        flipped = np.zeros_like(present)
        if restated:
            flipped = (self._weekly("flip").uniform(slot, rank) < FLIPPED_RATE) & self._known()
        row, participant = np.nonzero(present | flipped)
        was, moved = present[row, participant], flipped[row, participant]
        return listed[row], participant, moved & ~was, moved & was

    def _appetite(self, slot: Ints, rank: Ints) -> Floats:
        """The part of pairs that trade: larger for broad issues and for large participants."""
        count = len(self.participants.rank)
        breadth = 0.55 + 0.9 * self._lasting("breadth").uniform(slot)
        size = 1.5 - (rank / (count if self.tier is not Tier.OTCE else 4 * count))
        appetite: Floats = SHAPES[self.tier].density * breadth * size * self._known()
        return appetite

    def _known(self) -> Flags:
        """All but De Minimis Firms, who are others' rows under one name."""
        return (self.participants.share > 0.0).reshape(1, -1)

    def _shares(self, issue: Ints, participant: Ints, slot: Ints, rank: Ints) -> Ints:
        """Whole shares, at least one."""
        per_issue = self._issue_shares()[issue]
        affinity = self._lasting("affinity").ratio(0.25, slot, rank)
        noise = 1.0 + self._jitter()[issue] * (2.0 * self._weekly("noise").uniform(slot, rank) - 1.0)
        shares = per_issue * self.participants.share[participant] * affinity * noise
        return np.floor(shares).astype(np.int64) + 1

    def _issue_shares(self) -> Floats:
        """Expected shares per issue: Zipf's law, the issue's trend, the week's mood and its number of sessions."""
        shape = SHAPES[self.tier]
        depth = (self.issues.slot + shape.flatness) / shape.flatness
        zipf = 1.0 / (depth * np.sqrt(depth)) if shape.steep else 1.0 / depth
        mood = 0.985 + 0.03 * once(self._weekly("mood"))
        return shape.top_shares * zipf * self._trend() * mood * (len(sessions_of(self.week_ending)) / 5)

    def _trend(self) -> Floats:
        """Straight lines between levels that each issue reaches every 11 to 17 weeks; a third of the issues is calm."""
        slot = self.issues.slot
        span = self._lasting("trend", "span").integers(11, 18, slot)
        age = week_number(self.week_ending) + self._lasting("trend", "phase").integers(0, 17, slot)
        knot, part = age // span, (age % span) / span
        levels = self._lasting("trend", "level")
        before, after = (0.5 + 1.5 * levels.uniform(slot, knot + step) for step in (0, 1))
        return np.where(self._calm(), 1.0, before + (after - before) * part)

    def _jitter(self) -> Floats:
        """How far a pair strays from what is expected of it."""
        wild = 0.05 + 0.4 * self._lasting("jitter").uniform(self.issues.slot)
        return np.where(self._calm(), 0.03, wild)

    def _calm(self) -> Flags:
        return self._lasting("calm").uniform(self.issues.slot) < 0.33

    def _trade_size(self, slot: Ints, rank: Ints) -> Floats:
        low, high = SHAPES[self.tier].trade_size
        typical = low + (high - low) * self._lasting("trade size").uniform(slot)
        return typical * (0.7 + 0.6 * self._weekly("trade size").uniform(slot, rank))

    def _corrected(self, shares: Ints, slot: Ints, rank: Ints) -> Ints:
        """Up to a fifth more or less, and always something else."""
        change = 1 + np.floor(shares * (0.2 * self._weekly("correction").uniform(slot, rank))).astype(np.int64)
        down = (self._weekly("direction").integers(0, 2, slot, rank) == 1) & (shares > change)
        return np.where(down, shares - change, shares + change)

    def _fractions(self, slot: Ints, rank: Ints) -> Ints:
        """Millionths beyond the whole shares: one to six decimals in some rows, none before FINRA had them."""
        if monday_of(self.week_ending) < FRACTIONS_FROM:
            return np.zeros(len(slot), dtype=np.int64)
        unit = 10 ** self._weekly("decimals").integers(0, 6, slot, rank)
        count = self._weekly("fraction").integers(0, MILLIONTHS, slot, rank) % (MILLIONTHS // unit - 1) + 1
        return np.where(self._weekly("fractional").uniform(slot, rank) < FRACTION_RATE, count * unit, 0)

    def _lasting(self, *parts: object) -> Stream:
        return Stream.named(self.seed, self.side, self.tier, *parts)

    def _weekly(self, what: str) -> Stream:
        return Stream.named(self.seed, self.side, self.tier, what, self.week_ending)


def week_number(week_ending: dt.date) -> int:
    """Weeks since the one that held the first Monday of 1970."""
    return (monday_of(week_ending) - _EPOCH).days // 7


def _trades(shares: Ints, size: Floats) -> Ints:
    return np.maximum(1, np.floor(shares / size)).astype(np.int64)
