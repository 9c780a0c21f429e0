"""What stands between a step and a dependency that may be down: a guard asks before each call whether it makes sense.

Here is only what callers need; ``spine.resilience`` has the guards that remember, in the domain database.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

from spine.core.errors import ConfigurationError, ErrorCategory, LeaseHeld, SpineError
from spine.core.suggest import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerLimits:
    """When calls are held back, and for how long. The defaults are the original platform's.

    :param failure_threshold: failures in a row that open a breaker; 0 turns it off.
    :param recovery_timeout: seconds from opening until one call is let through to try.
    :param success_threshold: such calls that must end well until all calls are let through again.
    :param half_open_max_calls: of them at the same time, over all processes.
    :param trial_timeout: seconds after which such a call that told nothing counts as killed.
    """

    failure_threshold: int = 5
    recovery_timeout: float = 30.0
    success_threshold: int = 2
    half_open_max_calls: int = 1
    trial_timeout: float = 900.0

    def __post_init__(self) -> None:
        least = {"failure_threshold": 0, "success_threshold": 1, "half_open_max_calls": 1}
        for name in _NAMES:
            value, bound = getattr(self, name), least.get(name, 0)
            if value < bound:
                raise ConfigurationError(f"{name} of a circuit breaker is {value}; expected at least {bound}")

    def overlaid(self, given: Mapping[str, Any], *, of: str) -> Self:
        """These limits, with what a person set for one dependency laid over them.

        :param of: where they set it, for the message.
        :raises ConfigurationError: an unknown limit, no number, or one out of bounds.
        """
        values = {name: getattr(self, name) for name in _NAMES}
        for name, value in given.items():
            if name not in _NAMES:
                raise ConfigurationError(f"{of}: a breaker has no '{name}'; {did_you_mean(name, _NAMES)}")
            try:
                values[name] = type(values[name])(value)
            except (TypeError, ValueError):
                raise ConfigurationError(f"{of}: {name} is {value!r}; expected a number") from None
        return type(self)(**values)


_NAMES = tuple(each.name for each in fields(BreakerLimits))


def breaker_of(extra: Mapping[str, Any], conn_id: str) -> Mapping[str, Any]:
    """Limits that a connection's extra ``breaker`` sets, checked.

    :raises ConfigurationError: they are none.
    """
    given = extra.get("breaker") or {}
    where = f"extra 'breaker' of connection '{conn_id}'"
    if not isinstance(given, Mapping):
        raise ConfigurationError(f'{where} is {given!r}; expected limits such as {{"failure_threshold": 5}}')
    BreakerLimits().overlaid(given, of=where)
    return given


_FAILED = (ErrorCategory.DEPENDENCY, ErrorCategory.TRANSIENT, ErrorCategory.TIMEOUT, ErrorCategory.RATE_LIMIT)


def dependency_failed(error: SpineError) -> bool:
    """Whether an error tells that a dependency does not work just now, and not that it said no or that we are wrong."""
    return error.category in _FAILED and not isinstance(error, LeaseHeld)


class Guards(Protocol):
    """One guard for each dependency, by name: ``finra:api.finra.org``, ``http:host``, ``database:conn_id``, ``channel:name``."""

    def guard(self, name: str, limits: Mapping[str, Any] | None = None) -> AbstractContextManager[object]:
        """The block is one use of the dependency; what it raises tells how that went.

        :param limits: overlay the deployment's, see ``BreakerLimits``.
        :raises BreakerOpen: at once, because the last uses failed.
        """


class NoGuards:
    """Lets everything through."""

    def guard(self, name: str, limits: Mapping[str, Any] | None = None) -> AbstractContextManager[object]:
        return nullcontext()
