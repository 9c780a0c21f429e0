"""Helpful clauses for names that nobody knows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spine.core.suggest import did_you_mean


def test_a_slip_is_answered_with_the_nearest_name() -> None:
    assert did_you_mean("teir", ["week_ending", "tier"]) == "did you mean 'tier'?"


def test_names_are_listed_in_order_when_none_is_near() -> None:
    assert did_you_mean("zzz", ["tier", "force"]) == "known: force, tier"


def test_nothing_known() -> None:
    assert did_you_mean("x", []) == "nothing is known here"


@given(st.text(), st.lists(st.text(min_size=1), min_size=1))
def test_there_is_always_an_answer_and_it_names_only_what_is_known(name: str, known: list[str]) -> None:
    answer = did_you_mean(name, iter(known))
    assert answer in {f"did you mean '{each}'?" for each in known} | {f"known: {', '.join(sorted(known))}"}
