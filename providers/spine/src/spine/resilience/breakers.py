"""Circuit breakers whose state all workers share, in ``circuit_breakers`` of the domain database.

Not pybreaker: its half-open state lets every process through that finds it so (a lock of one process is all that holds
trials apart), its changes of state overwrite each other, it holds that lock during the call, and its clock cannot be
given; none of that can be mended by a storage class.

The database is asked once before a use and, where that ended well and nothing was wrong, not again. Where it cannot be
asked at all, calls go through: a breaker must not take down what works.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spine.alerts.model import Alert, AlertSeverity, AlertState
from spine.alerts.outbox import raise_alert
from spine.core.errors import BreakerOpen, ErrorCategory, LoadError, SpineError, TransientError, as_spine_error
from spine.core.guards import BreakerLimits
from spine.core.redaction import redact
from spine.resilience.breaker import Breaker, Outcome, Refusal, State, Ticket, outcome_of
from spine.resilience.breaker_table import NAME_LENGTH, Known, every, find, swap

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

_TRIES = 50  # of a compare-and-swap: as many processes may write at the same moment

Change = Callable[[Breaker], Breaker]


@dataclass(frozen=True, slots=True)
class Breakers:
    """Guards (see ``spine.core.guards``) for every dependency of a deployment.

    :param limits: of dependencies that have none of their own.
    """

    storage: Storage
    clock: Callable[[], dt.datetime]
    limits: BreakerLimits = field(default_factory=BreakerLimits)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger(__name__))

    @contextmanager
    def guard(self, name: str, limits: Mapping[str, Any] | None = None) -> Iterator[None]:
        """See ``Guards.guard``."""
        name, own = name[:NAME_LENGTH], self.limits.overlaid(limits or {}, of=name)
        ticket = self._admit(name, own)
        error: SpineError | None = None
        outcome = Outcome.NOTHING  # of a call that a signal ended
        try:
            yield
            outcome = Outcome.GOOD
        except Exception as caught:
            error = as_spine_error(caught)
            outcome = outcome_of(error)
            raise
        finally:
            if ticket is not None:
                self._tell(name, ticket, outcome, own, error)

    def every(self) -> list[Known]:
        """All breakers that ever changed, by name."""
        return every(self.storage)

    def reset(self, name: str, *, by: str) -> Known:
        """Close it and forget its failures."""
        return self._replace(name, lambda breaker: breaker.reset(), f"reset by {by}")

    def trip(self, name: str, *, by: str) -> Known:
        """Open it, as if its dependency had failed: for the recovery time nobody asks."""
        return self._replace(name, lambda breaker: breaker.tripped(self.clock()), f"opened by {by}")

    def _admit(self, name: str, limits: BreakerLimits) -> Ticket | None:
        """None where nobody keeps count.

        :raises BreakerOpen: not now.
        """
        if limits.failure_threshold == 0:
            return None
        try:
            ticket, known = self._ask(name, limits)
        except Exception as error:  # noqa: BLE001 - fail open, whatever keeps the table from being read
            self.log.warning("breaker %s cannot be read, so the call goes through: %s", name, as_spine_error(error))
            return None
        if isinstance(ticket, Refusal):
            raise _open_error(known, ticket.retry_after)
        return ticket

    def _ask(self, name: str, limits: BreakerLimits) -> tuple[Ticket | Refusal, Known]:
        for _ in range(_TRIES):
            known, now = find(self.storage, name), self.clock()
            answer, breaker = known.breaker.admit(now, limits)
            if breaker is known.breaker or self._swap(known, breaker, known.last_error, limits, now):
                return answer, known
        raise TransientError(f"breaker {name} changes faster than it can be read")

    def _tell(
        self, name: str, ticket: Ticket, outcome: Outcome, limits: BreakerLimits, error: SpineError | None
    ) -> None:
        if ticket.clean and outcome is not Outcome.BAD:
            return
        try:
            for _ in range(_TRIES):
                known, now = find(self.storage, name), self.clock()
                after = known.breaker.told(ticket, outcome, now, limits)
                said = redact(str(error)) if outcome is Outcome.BAD else known.last_error
                if after is known.breaker or self._swap(known, after, said, limits, now):
                    return
        except Exception as failure:  # noqa: BLE001 - the call's own result counts more than its record
            self.log.warning("breaker %s was not told of a call: %s", name, as_spine_error(failure))

    def _replace(self, name: str, change: Change, why: str) -> Known:
        for _ in range(_TRIES):
            known, now = find(self.storage, name), self.clock()
            if self._swap(known, change(known.breaker), why, known.limits, now):
                return find(self.storage, name)
        raise TransientError(f"breaker {name} changes faster than it can be read; try again")

    def _swap(self, known: Known, breaker: Breaker, error: str, limits: BreakerLimits, now: dt.datetime) -> bool:
        """Write it, and raise the alert that goes with the change in the same transaction."""
        try:
            with self.storage.transaction() as session:
                if not swap(session, known, breaker, error=error, limits=limits, now=now):
                    return False
                self._alert(session, known, breaker, error, now)
        except LoadError:  # another process wrote the first row just now
            return False
        if breaker.state is not known.breaker.state:
            self.log.warning("breaker %s: %s, was %s", known.name, breaker.state, known.breaker.state)
        return True

    def _alert(self, session: Session, known: Known, breaker: Breaker, error: str, now: dt.datetime) -> None:
        """When calls begin to be held back, and when they no longer are. A trial that fails is no news."""
        before, after = known.breaker.state, breaker.state
        if before is State.CLOSED and after is State.OPEN:
            raise_alert(session, _alert_of(known.name, AlertState.FIRING, error), now)
        elif before is not State.CLOSED and after is State.CLOSED:
            raise_alert(session, _alert_of(known.name, AlertState.RESOLVED, error), now)


def _alert_of(name: str, state: AlertState, error: str) -> Alert:
    fires = state is AlertState.FIRING
    return Alert(
        severity=AlertSeverity.ERROR,
        title=f"{name} fails: calls are held back" if fires else f"{name} answers again",
        message=f"The last: {error}. Trials go on by themselves; `airflow spine breakers list` shows them"
        if fires
        else "Calls go through as before",
        source="breakers",
        category=ErrorCategory.DEPENDENCY,
        cause=f"breaker:{name}",
        state=state,
    )


def _open_error(known: Known, retry_after: float) -> BreakerOpen:
    since = f" since {known.breaker.opened_at:%Y-%m-%d %H:%M:%S} UTC" if known.breaker.opened_at else ""
    return BreakerOpen(
        f"{known.name} was not asked: its circuit breaker is {known.breaker.state.replace('_', ' ')}{since} "
        f"(the last: {known.last_error or 'nothing was said'}). Again in {retry_after:.0f} s, "
        f"or at once after `airflow spine breakers reset {known.name}`",
        retry_after=retry_after,
        context={"breaker": known.name},
    )
