"""A limit on a step, and one on a step within it: there is one timer for both."""

from __future__ import annotations

import signal
import time

import pytest

from spine.core.errors import DeadlineExceeded
from spine.workflows.deadline import deadline


def seconds_left() -> float:
    return signal.getitimer(signal.ITIMER_REAL)[0]


def test_a_step_that_takes_too_long_is_interrupted() -> None:
    with (
        pytest.raises(DeadlineExceeded, match=r"step 'slow' took longer than its timeout of 0\.05 s"),
        deadline(0.05, "slow"),
    ):
        time.sleep(60)
    assert seconds_left() == 0


def test_the_limit_around_goes_on_behind_one_within() -> None:
    with deadline(60, "around"):
        with pytest.raises(DeadlineExceeded, match="'within'"), deadline(0.05, "within"):
            time.sleep(60)
        assert 0 < seconds_left() <= 60
    assert seconds_left() == 0


def test_the_limit_around_counts_within_a_longer_one() -> None:
    with pytest.raises(DeadlineExceeded, match="'around'"), deadline(0.05, "around"), deadline(60, "within"):
        time.sleep(60)
