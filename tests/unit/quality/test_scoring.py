"""From what was found to a number and a letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.quality.assessment.scoring import WEEK_WEIGHTS, Grade, grade_of, score, timeliness, validity

PERFECT: dict[str, float | None] = dict.fromkeys(WEEK_WEIGHTS, 1.0)
parts = st.none() | st.floats(0, 1)


@pytest.mark.parametrize(
    ("warnings", "errors", "value", "grade"),
    [
        (0, 0, 100.0, Grade.A),
        (1, 0, 89.0, Grade.B),
        (2, 0, 89.0, Grade.B),
        (3, 0, 79.0, Grade.C),
        (5, 0, 79.0, Grade.C),
        (6, 0, 69.0, Grade.D),
        (0, 1, 59.0, Grade.F),
        (9, 9, 59.0, Grade.F),
    ],
)
def test_the_platforms_rule_bounds_a_score(warnings: int, errors: int, value: float, grade: Grade) -> None:
    found = score(PERFECT, WEEK_WEIGHTS, warnings=warnings, errors=errors)
    assert (found.value, found.grade) == (value, grade)


def test_a_dimension_that_nothing_is_known_of_does_not_count() -> None:
    known = {**PERFECT, "timeliness": None, "stability": None, "validity": 0.5}
    assert score(known, WEEK_WEIGHTS).value == pytest.approx(100 * (30 + 30 + 10) / 80, abs=0.05)
    assert score(dict.fromkeys(WEEK_WEIGHTS), WEEK_WEIGHTS).value == 0.0


@given(st.fixed_dictionaries(dict.fromkeys(WEEK_WEIGHTS, parts)), st.integers(0, 9), st.integers(0, 3))
def test_a_score_lies_between_0_and_100_and_never_rises_with_what_is_wrong(
    dimensions: dict[str, float | None], warnings: int, errors: int
) -> None:
    found = score(dimensions, WEEK_WEIGHTS, warnings=warnings, errors=errors)
    assert 0 <= found.value <= 100
    assert score(dimensions, WEEK_WEIGHTS, warnings=warnings + 1, errors=errors).value <= found.value
    assert score(dimensions, WEEK_WEIGHTS, warnings=warnings, errors=errors + 1).value <= found.value


@pytest.mark.parametrize(
    ("value", "grade"), [(100, "A"), (90, "A"), (89.9, "B"), (80, "B"), (70, "C"), (60, "D"), (59.9, "F"), (0, "F")]
)
def test_bands(value: float, grade: str) -> None:
    assert grade_of(value) == grade


def test_each_lost_line_in_a_hundred_costs_five_points() -> None:
    assert [validity(*lines) for lines in ((100, 0), (99, 1), (80, 20), (1, 99))] == [1.0, 0.95, 0.0, 0.0]
    assert validity(0, 0) is None


def test_a_day_is_in_time_and_a_week_is_not() -> None:
    assert [timeliness(hours) for hours in (-3.0, 24.0, 96.0, 168.0, 999.0)] == [1.0, 1.0, 0.5, 0.0, 0.0]
    assert timeliness(None) is None
