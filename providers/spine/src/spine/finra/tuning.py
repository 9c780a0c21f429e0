"""How a client of FINRA's API goes about its work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from spine.core.errors import ConfigurationError
from spine.core.retrying import RetryPolicy
from spine.finra.limits import ASYNC_LIMIT, SYNC_LIMIT, RateLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a client goes about it.

    :param rows_as: how rows travel; text is a third of the bytes and nine times faster to read (benchmarks/).
    :param page_rows: rows asked for at a time, at most 5,000.
    :param concurrency: pages in flight.
    :param timeout: seconds for one exchange.
    :param restarts: how often a pull begins again because rows changed under it.
    :param async_above: larger pulls become asynchronous jobs; the default is all that pages can reach.
    :param poll_seconds: between two questions after a job.
    :param patience: seconds until a job is given up.
    :param breaker: limits of the circuit breaker before FINRA, over the deployment's.
    """

    rows_as: Literal["text", "json"] = "text"
    page_rows: int = 5000
    concurrency: int = 4
    timeout: float = 60.0
    restarts: int = 3
    async_above: int = 505_000
    poll_seconds: float = 60.0
    patience: float = 3600.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    sync_limit: RateLimit = SYNC_LIMIT
    async_limit: RateLimit = ASYNC_LIMIT
    breaker: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rows_as not in ("text", "json"):
            raise ConfigurationError(f"rows_as is '{self.rows_as}'; expected text or json")
        bounds = {"page_rows": (1, 5000), "concurrency": (1, 32), "restarts": (0, 100), "timeout": (0.001, 3600)}
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; expected {least} to {most}")
