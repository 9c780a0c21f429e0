"""Whatever calls do, in whatever order they end: a breaker keeps its promises."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from spine.core.errors import (
    BreakerOpen,
    ConfigurationError,
    DependencyError,
    LeaseHeld,
    PermissionDenied,
    RateLimitError,
    ResourceError,
    SourceError,
    SpineError,
    ValidationError,
)
from spine.core.guards import BreakerLimits
from spine.resilience.breaker import Breaker, Outcome, Refusal, State, Ticket, outcome_of

START = dt.datetime(2026, 5, 15, 12, tzinfo=dt.UTC)
LIMITS = BreakerLimits(
    failure_threshold=3, recovery_timeout=30, success_threshold=2, half_open_max_calls=2, trial_timeout=100
)


class BreakerMachine(RuleBasedStateMachine):
    """Calls begin, end well or badly, end without a word, or are killed and never end; time goes on."""

    calls: Bundle[Ticket] = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = Breaker(), START
        self.under_way: list[Ticket] = []
        self.bad_in_a_row = 0

    @rule(target=calls)
    def begin(self) -> object:
        before = self.breaker
        answer, self.breaker = before.admit(self.now, LIMITS)
        if isinstance(answer, Refusal):
            assert before.state is not State.CLOSED
            assert 0 < answer.retry_after <= LIMITS.recovery_timeout
            assert self.breaker is before
            return multiple()
        assert answer.trial is (self.breaker.state is State.HALF_OPEN)
        assert answer.generation == self.breaker.generation
        self.under_way.append(answer)
        return answer

    @rule(ticket=consumes(calls), outcome=st.sampled_from(Outcome))
    def end(self, ticket: Ticket, outcome: Outcome) -> None:
        before = self.breaker
        self.breaker = before.told(ticket, outcome, self.now, LIMITS)
        self.under_way.remove(ticket)
        if ticket.generation != before.generation:
            assert self.breaker is before, "what an earlier generation tells does not count"
        elif before.state is State.HALF_OPEN and outcome is Outcome.BAD:
            assert self.breaker.state is State.OPEN
            assert self.breaker.opened_at == self.now
        elif before.state is State.CLOSED and outcome is not Outcome.NOTHING:
            self.bad_in_a_row = self.bad_in_a_row + 1 if outcome is Outcome.BAD else 0
            assert (self.breaker.state is State.OPEN) == (self.bad_in_a_row >= LIMITS.failure_threshold)

    @rule(ticket=consumes(calls))
    def kill(self, ticket: Ticket) -> None:
        """Its process is gone: it stays under way for ever."""

    @rule(seconds=st.sampled_from([1, 29, 30, 99, 100, 10_000]))
    def wait(self, seconds: int) -> None:
        self.now += dt.timedelta(seconds=seconds)

    @rule()
    def somebody_resets(self) -> None:
        self.breaker = self.breaker.reset()
        assert self.breaker.admit(self.now, LIMITS)[0] == Ticket(self.breaker.generation, clean=True)

    @rule()
    def somebody_trips(self) -> None:
        self.breaker = self.breaker.tripped(self.now)

    @precondition(lambda self: self.breaker.state is State.OPEN)
    @rule()
    def nobody_gets_through_before_its_time(self) -> None:
        assert self.breaker.opened_at is not None
        early = self.breaker.opened_at + dt.timedelta(seconds=29.5)
        assert isinstance(self.breaker.admit(early, LIMITS)[0], Refusal)

    @invariant()
    def never_more_trials_than_allowed(self) -> None:
        trials = [each for each in self.under_way if each.trial and each.generation == self.breaker.generation]
        assert self.breaker.trials == (len(trials) if self.breaker.state is State.HALF_OPEN else 0)
        assert len(trials) <= LIMITS.half_open_max_calls

    @invariant()
    def closed_means_that_few_failed(self) -> None:
        if self.breaker.state is State.CLOSED:
            assert self.breaker.failures < LIMITS.failure_threshold
            if self.breaker.failures == 0:
                self.bad_in_a_row = 0
            assert self.breaker.opened_at is None

    def teardown(self) -> None:
        """A dependency that is back is found to be, whoever was killed before."""
        for _ in range(LIMITS.success_threshold + 1):
            self.now += dt.timedelta(seconds=LIMITS.trial_timeout)
            answer, self.breaker = self.breaker.admit(self.now, LIMITS)
            assert isinstance(answer, Ticket)
            self.breaker = self.breaker.told(answer, Outcome.GOOD, self.now, LIMITS)
        assert self.breaker.state is State.CLOSED


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_a_clock_that_is_a_day_ahead_does_not_hold_calls_back_for_a_day() -> None:
    opened = Breaker().tripped(START + dt.timedelta(days=1))
    assert isinstance(opened.admit(START, LIMITS)[0], Ticket)
    answer, _ = Breaker().tripped(START + dt.timedelta(seconds=20)).admit(START, LIMITS)
    assert isinstance(answer, Refusal)
    assert answer.retry_after == LIMITS.recovery_timeout


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, Outcome.GOOD),
        (DependencyError("no answer"), Outcome.BAD),
        (RateLimitError("slow down"), Outcome.BAD),
        (SourceError("404"), Outcome.GOOD),
        (PermissionDenied("401"), Outcome.GOOD),
        (ValidationError("T9"), Outcome.NOTHING),
        (ConfigurationError("no URL"), Outcome.NOTHING),
        (ResourceError("the disk here is full"), Outcome.NOTHING),
        (SpineError("a defect"), Outcome.NOTHING),
        (LeaseHeld("another run"), Outcome.NOTHING),
        (BreakerOpen("not asked"), Outcome.NOTHING),
    ],
)
def test_only_what_tells_of_the_dependency_counts(error: SpineError | None, outcome: Outcome) -> None:
    assert outcome_of(error) is outcome


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="a breaker has no 'failure_treshold'; did you mean 'failure_threshold'"
    ):
        BreakerLimits().overlaid({"failure_treshold": 1}, of="connection x")
    with pytest.raises(ConfigurationError, match="connection x: recovery_timeout is 'soon'; expected a number"):
        BreakerLimits().overlaid({"recovery_timeout": "soon"}, of="connection x")
    with pytest.raises(ConfigurationError, match="success_threshold of a circuit breaker is 0; expected at least 1"):
        BreakerLimits(success_threshold=0)
    assert BreakerLimits().overlaid({"failure_threshold": "7"}, of="x").failure_threshold == 7
