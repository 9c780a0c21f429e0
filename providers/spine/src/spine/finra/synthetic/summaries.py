"""From what traded to what FINRA publishes of it: rows per issue and participant, per issue, or per participant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spine.finra.synthetic.participants import DE_MINIMIS
from spine.finra.synthetic.streams import Flags, Ints
from spine.finra.synthetic.volumes import Volumes

NONE = -1  # position of an absent issue or participant
DE_MINIMIS_TRADES_PER_DAY = 200  # FINRA rule 6610: below it a firm is not named


@dataclass(frozen=True, slots=True)
class Summary:
    """Published rows: positions (NONE where the column is empty), totals, and which a restatement touched."""

    issue: Ints
    participant: Ints
    millionths: Ints
    trades: Ints
    touched: Flags


def by_issue_and_venue(volumes: Volumes) -> Summary:
    return _summed(volumes, volumes.issue, volumes.participant)


def by_issue_and_firm(volumes: Volumes, sessions: int) -> Summary:
    """Firms under the de minimis threshold in an issue are one row; a restatement moves no firm across it."""
    named = volumes.first_trades >= DE_MINIMIS_TRADES_PER_DAY * sessions
    return _summed(volumes, volumes.issue, np.where(named, volumes.participant, DE_MINIMIS))


def by_issue(volumes: Volumes) -> Summary:
    return _summed(volumes, volumes.issue, np.full_like(volumes.participant, NONE))


def by_participant(volumes: Volumes) -> Summary:
    return _summed(volumes, np.full_like(volumes.issue, NONE), volumes.participant)


def _summed(volumes: Volumes, issue: Ints, participant: Ints) -> Summary:
    """One row per (issue, participant), in that order; rows whose trades were all removed are gone."""
    key = (issue + 1) * (int(participant.max(initial=0)) + 2) + participant + 1
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    rows = order[starts]
    trades = _totals(volumes.trades[order], starts)
    millionths = _totals(volumes.millionths[order], starts)
    touched = _totals(volumes.touched[order].astype(np.int64), starts) > 0
    left = trades > 0
    return Summary(issue[rows][left], participant[rows][left], millionths[left], trades[left], touched[left])


def _totals(numbers: Ints, starts: Ints) -> Ints:
    return np.add.reduceat(numbers, starts) if len(starts) else numbers
