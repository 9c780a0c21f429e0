"""Error categories decide whether Airflow tries again."""

from __future__ import annotations

import datetime as dt

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from spine.core.errors import (
    BreakerOpen,
    ConfigurationError,
    ErrorCategory,
    RateLimitError,
    SourceError,
    TransientError,
)
from spine.retries import SpineRetryPolicy
from spine.workflows.model import Backoff, Retry

POLICY = SpineRetryPolicy(Retry(max_attempts=3, initial_delay=2, multiplier=10, max_delay=15))


@pytest.mark.parametrize(
    ("error", "try_number", "max_tries", "seconds"),
    [
        (TransientError("x"), 1, 2, 2),
        (TransientError("x"), 2, 2, 15),
        (TransientError("x"), 4, 5, 2),
        (RateLimitError("x", retry_after=90), 1, 2, 90),
        (BreakerOpen("x", retry_after=18.5), 1, 2, 18.5),
        (ConnectionResetError("x"), 1, 2, 2),
    ],
    ids=["first", "capped", "after clearing", "as asked", "when a breaker lets calls through", "from elsewhere"],
)
def test_what_may_get_better_is_tried_again(error: Exception, try_number: int, max_tries: int, seconds: float) -> None:
    decision = POLICY.evaluate(error, try_number, max_tries)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, dt.timedelta(seconds=seconds))


@pytest.mark.parametrize("error", [ConfigurationError("x"), ValueError("x")])
def test_what_cannot_get_better_fails_at_once(error: Exception) -> None:
    assert POLICY.evaluate(error, 1, 2).action is RetryAction.FAIL


def test_a_step_without_retries_is_tried_again_by_nobody_but_airflow() -> None:
    policy = SpineRetryPolicy(Retry(max_attempts=1))
    assert policy.evaluate(TransientError("x"), 1, 1).action is RetryAction.FAIL


def test_the_author_may_say_which_categories_are_tried_again() -> None:
    policy = SpineRetryPolicy(Retry(on=(ErrorCategory.SOURCE,)))
    assert policy.evaluate(SourceError("x"), 1, 2).action is RetryAction.RETRY
    assert policy.evaluate(TransientError("x"), 1, 2).action is RetryAction.FAIL


@pytest.mark.parametrize(
    ("backoff", "seconds"),
    [(Backoff.CONSTANT, [2, 2, 2]), (Backoff.LINEAR, [2, 4, 5]), (Backoff.EXPONENTIAL, [2, 5, 5])],
)
def test_delays_grow_as_the_author_says(backoff: Backoff, seconds: list[float]) -> None:
    policy = SpineRetryPolicy(Retry(max_attempts=4, initial_delay=2, multiplier=3, max_delay=5, backoff=backoff))
    decisions = [policy.evaluate(TransientError("x"), attempt, 3) for attempt in (1, 2, 3)]
    assert [decision.retry_delay for decision in decisions] == [dt.timedelta(seconds=each) for each in seconds]
