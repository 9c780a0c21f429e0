"""From what was found to a number and a letter. Pure.

A score is the weighted mean of its dimensions, 0 to 100, and no higher than its worst findings allow; a grade is a band of
it. The bounds are the platform's rule: an error is an F, no warning an A, up to two a B, up to five a C, more a D.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """Bands of a score, best first."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    F = "F"


_FROM: Mapping[Grade, float] = {Grade.A: 90.0, Grade.B: 80.0, Grade.C: 70.0, Grade.D: 60.0, Grade.F: 0.0}
_MOST_WITH_ERRORS = 59.0
_MOST_WITH_WARNINGS = ((5, 69.0), (2, 79.0), (0, 89.0))  # with more warnings than, at most

WEEK_WEIGHTS: Mapping[str, int] = {
    "completeness": 30,
    "consistency": 30,
    "validity": 20,
    "stability": 10,
    "timeliness": 10,
}
SYMBOL_WEIGHTS: Mapping[str, int] = {"consistency": 35, "completeness": 30, "validity": 25, "stability": 10}
DIMENSIONS: Mapping[str, str] = {
    "completeness": "what should be there is there: stages and usual venues of a week, weeks of a symbol",
    "consistency": "checks of the numbers against each other that hold",
    "validity": "lines of the source that are rows, each lost per cent counting five",
    "stability": "figures that lie where the weeks before let expect them",
    "timeliness": "captured within a day of publication; nothing after a week",
}


@dataclass(frozen=True, slots=True)
class Score:
    """:param value: 0 to 100, with one decimal.
    :param dimensions: 0 to 1 each; None where nothing can be said, which then does not count.
    """

    value: float
    dimensions: Mapping[str, float | None]

    @property
    def grade(self) -> Grade:
        return grade_of(self.value)


def grade_of(value: float) -> Grade:
    return next(grade for grade, least in _FROM.items() if value >= least)


def score(
    dimensions: Mapping[str, float | None], weights: Mapping[str, int], *, warnings: int = 0, errors: int = 0
) -> Score:
    """:param dimensions: a value for each of the weights."""
    known = {name: value for name in weights if (value := dimensions[name]) is not None}
    total = sum(weights[name] for name in known)
    mean = 100 * sum(weights[name] * value for name, value in known.items()) / total if total else 0.0
    bound = (
        _MOST_WITH_ERRORS if errors else next((most for more, most in _MOST_WITH_WARNINGS if warnings > more), 100.0)
    )
    return Score(round(min(mean, bound), 1), dict(dimensions))


def validity(accepted: int, refused: int) -> float | None:
    """Each refused line in a hundred costs five points in a hundred: 20 % of refused lines leave nothing."""
    return None if not accepted + refused else max(0.0, 1 - 5 * refused / (accepted + refused))


def timeliness(hours: float | None) -> float | None:
    """1 within a day of publication, falling to 0 after a week; None where it says nothing of us."""
    return None if hours is None else min(1.0, max(0.0, 1 - (hours - 24) / (7 * 24 - 24)))
