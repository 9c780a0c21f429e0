"""Error categories decide whether Airflow tries again."""

from __future__ import annotations

import datetime as dt

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from spine.core.errors import ConfigurationError, RateLimitError, TransientError
from spine.retries import SpineRetryPolicy
from spine.workflows.model import Retry

POLICY = SpineRetryPolicy(Retry(max_attempts=3, initial_delay=2, multiplier=10, max_delay=15))


@pytest.mark.parametrize(
    ("error", "try_number", "max_tries", "seconds"),
    [
        (TransientError("x"), 1, 2, 2),
        (TransientError("x"), 2, 2, 15),
        (TransientError("x"), 4, 5, 2),
        (RateLimitError("x", retry_after=90), 1, 2, 90),
        (ConnectionResetError("x"), 1, 2, 2),
    ],
    ids=["first", "capped", "after clearing", "as asked", "from elsewhere"],
)
def test_what_may_get_better_is_tried_again(error: Exception, try_number: int, max_tries: int, seconds: float) -> None:
    decision = POLICY.evaluate(error, try_number, max_tries)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, dt.timedelta(seconds=seconds))


@pytest.mark.parametrize("error", [ConfigurationError("x"), ValueError("x")])
def test_what_cannot_get_better_fails_at_once(error: Exception) -> None:
    assert POLICY.evaluate(error, 1, 2).action is RetryAction.FAIL
