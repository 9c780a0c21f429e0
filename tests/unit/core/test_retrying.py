"""Waiting: backoff within a budget, and what Retry-After says."""

from __future__ import annotations

import datetime as dt

import pytest

from spine.core.retrying import RetryBudget, RetryPolicy, retry_after_seconds

NOW = dt.datetime(2026, 1, 5, 12, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120), (" 0 ", 0), ("Mon, 05 Jan 2026 12:02:00 GMT", 120), ("Mon, 05 Jan 2026 07:02:00 -0500", 120),
        ("Mon, 05 Jan 2026 11:00:00 GMT", 0), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("٣", None),
    ],
)  # fmt: skip
def test_what_a_server_asks_for(header: str, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds


def test_waits_grow_up_to_a_limit_and_never_undercut_the_server() -> None:
    policy = RetryPolicy(base_seconds=1, longest_backoff=5, longest_asked=60)
    assert [policy.wait(attempt, None, 1.0) for attempt in (1, 2, 3, 4, 99)] == [1, 2, 4, 5, 5]
    assert policy.wait(1, 30, 0.0) == 30 and policy.wait(1, 600, 0.0) == 60


def test_no_attempt_beyond_attempts_or_budget() -> None:
    slept: list[float] = []
    budget = RetryBudget(RetryPolicy(attempts=3, total_seconds=5), slept.append, lambda: 1.0)
    assert [budget.wait(1), budget.wait(2), budget.wait(3)] == [True, True, False]
    assert not budget.wait(1, 4.0) and slept == [1, 2]
