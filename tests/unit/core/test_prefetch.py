"""Working ahead changes nothing but the time it takes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.core.prefetch import prefetch


def makers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "spine-prefetch"]


@given(st.lists(st.one_of(st.none(), st.integers())), st.integers(1, 5))
def test_items_come_in_order_and_none_is_lost(items: list[int | None], depth: int) -> None:
    assert list(prefetch(items, depth)) == items
    assert not makers()


def test_an_error_comes_at_its_place() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    seen = []
    with pytest.raises(ValueError, match="third"):
        for number in prefetch(numbers()):
            seen.append(number)
    assert seen == [1, 2]
    assert not makers()


def test_an_item_may_be_an_error_without_being_raised() -> None:
    error = ValueError("an item")
    assert list(prefetch([error])) == [error]


def test_leaving_early_stops_the_maker() -> None:
    ahead = prefetch(count())
    assert next(ahead) == 0
    assert makers()
    ahead.close()  # type: ignore[attr-defined]
    assert not makers()


def test_a_failing_consumer_stops_the_maker_and_closes_its_source() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            yield from count()
        finally:
            closed.set()

    with pytest.raises(KeyError):
        for _ in prefetch(endless()):
            raise KeyError
    assert closed.is_set()
    assert not makers()


def test_the_maker_stays_near() -> None:
    made: list[int] = []
    waiting = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                waiting.set()
            yield number

    ahead = prefetch(numbers(), depth=2)
    assert next(ahead) == 0
    assert waiting.wait(10)
    # One taken, two waiting, one in hand.
    assert made == [0, 1, 2, 3]
    assert list(ahead) == list(range(1, 100))


def test_nothing_is_made_before_it_is_asked_for() -> None:
    made: list[int] = []
    prefetch(made.append(number) for number in range(3))
    assert made == []
    assert not makers()
