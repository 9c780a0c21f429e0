"""Whether Airflow tries a step again: Spine's error categories decide, with the delays of the workflow's ``retry``."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from spine.core.errors import as_spine_error

if TYPE_CHECKING:
    from airflow.sdk import Context

    from spine.workflows.model import Retry


class SpineRetryPolicy(RetryPolicy):
    """Fails at once what cannot get better, waits as the other side asked, else backs off.

    :param retry: the step's policy; how many attempts there are is the task's ``retries``.
    """

    def __init__(self, retry: Retry) -> None:
        self.retry = retry

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        error = as_spine_error(exception)
        if self.retry.max_attempts == 1:
            return RetryDecision.fail("the step has no retries")
        if not self.retry.covers(error):
            return RetryDecision.fail(f"{error.category} errors are not retried")
        # Clearing a task raises max_tries by what was used up: count attempts from there.
        attempt = try_number - (max_tries - (self.retry.max_attempts - 1))
        delay = dt.timedelta(seconds=self.retry.delay(max(attempt, 1), error))
        return RetryDecision.retry(delay, f"{error.category}: again in {delay.total_seconds():g} s")
