"""A circuit breaker as a value: what it lets through, and what it becomes. No database, no clock, no threads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum

from spine.core.errors import BreakerOpen, ErrorCategory, SpineError
from spine.core.guards import BreakerLimits, dependency_failed


class State(StrEnum):
    """CLOSED lets every call through, OPEN none, HALF_OPEN the few that try whether the dependency is back."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Outcome(StrEnum):
    """What a call told of the dependency."""

    GOOD = "good"
    BAD = "bad"
    NOTHING = "nothing"


_ANSWERED = (
    ErrorCategory.SOURCE,
    ErrorCategory.PERMISSION,
)  # 404, 401, half a file: it is there, and says something else


def outcome_of(error: SpineError | None) -> Outcome:
    """A defect of ours, a wrong param or a full disk here tell nothing of the dependency."""
    if error is None or error.category in _ANSWERED:
        return Outcome.GOOD
    down = dependency_failed(error) and not isinstance(error, BreakerOpen)
    return Outcome.BAD if down else Outcome.NOTHING


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that was let through.

    :param generation: of the breaker then: what the call tells counts only while that lasts.
    :param trial: let through a half-open breaker.
    :param clean: nothing was held against the dependency, so that a good call has nothing to tell.
    """

    generation: int
    trial: bool = False
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that was not. :param retry_after: seconds."""

    retry_after: float


@dataclass(frozen=True, slots=True)
class Breaker:
    """
    :param generation: grows whenever the state changes, or trials are given up.
    :param failures: in a row, while closed; kept while open.
    :param successes: trials that ended well since it is half open.
    :param trials: calls under way through the half-open breaker.
    :param half_opened_at: when the newest of them began.
    """

    state: State = State.CLOSED
    generation: int = 0
    failures: int = 0
    successes: int = 0
    trials: int = 0
    opened_at: dt.datetime | None = None
    half_opened_at: dt.datetime | None = None
    last_failure_at: dt.datetime | None = None
    last_success_at: dt.datetime | None = None

    def admit(self, now: dt.datetime, limits: BreakerLimits) -> tuple[Ticket | Refusal, Breaker]:
        """Whether a call may go, and the breaker as it is then (itself, where nothing changed)."""
        if self.state is State.CLOSED:
            return Ticket(self.generation, clean=not self.failures), self
        if self.state is State.OPEN:
            rest = _rest(self.opened_at, limits.recovery_timeout, now)
            return (Refusal(rest), self) if rest > 0 else self._try_anew(now)
        if self.trials < limits.half_open_max_calls:
            return Ticket(self.generation, trial=True), replace(self, trials=self.trials + 1, half_opened_at=now)
        if _rest(self.half_opened_at, limits.trial_timeout, now) <= 0:  # whoever tried was killed
            return self._try_anew(now)
        return Refusal(max(1.0, _rest(self.half_opened_at, limits.recovery_timeout, now))), self

    def told(self, ticket: Ticket, outcome: Outcome, now: dt.datetime, limits: BreakerLimits) -> Breaker:
        """The breaker after a call that it let through (itself, where that tells nothing new)."""
        if ticket.generation != self.generation:
            return self
        if outcome is Outcome.NOTHING:
            return replace(self, trials=self.trials - 1) if ticket.trial else self
        if outcome is Outcome.BAD:
            return self._failed(now, limits)
        if ticket.trial:
            return self._tried(now, limits)
        return replace(self, failures=0, last_success_at=now) if self.failures else self

    def tripped(self, now: dt.datetime) -> Breaker:
        """Open, whatever it was."""
        return replace(
            self, state=State.OPEN, generation=self.generation + 1, successes=0, trials=0, opened_at=now, half_opened_at=None
        )  # fmt: skip

    def reset(self) -> Breaker:
        """Closed, and nothing held against the dependency."""
        return replace(
            self, state=State.CLOSED, generation=self.generation + 1, failures=0, successes=0, trials=0, opened_at=None,
            half_opened_at=None,
        )  # fmt: skip

    def _try_anew(self, now: dt.datetime) -> tuple[Ticket, Breaker]:
        generation = self.generation + 1
        half_open = replace(
            self, state=State.HALF_OPEN, generation=generation, successes=0, trials=1, half_opened_at=now
        )
        return Ticket(generation, trial=True), half_open

    def _failed(self, now: dt.datetime, limits: BreakerLimits) -> Breaker:
        known = replace(self, failures=self.failures + 1, last_failure_at=now)
        enough = self.state is State.HALF_OPEN or known.failures >= limits.failure_threshold
        return known.tripped(now) if enough else known

    def _tried(self, now: dt.datetime, limits: BreakerLimits) -> Breaker:
        known = replace(self, trials=self.trials - 1, successes=self.successes + 1, last_success_at=now)
        return known.reset() if known.successes >= limits.success_threshold else known


def _rest(since: dt.datetime | None, seconds: float, now: dt.datetime) -> float:
    """What is left of a time span; none of one that begins in the future, as a clock that is far off writes it."""
    gone = seconds if since is None else (now - since).total_seconds()
    return min(seconds - gone, seconds) if gone > -seconds else 0.0
