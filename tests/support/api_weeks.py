"""The weekly workflow on a simulated FINRA API: no real waiting, and an ear on everything that is said."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spine.core.retrying import RetryPolicy
from spine.finra.auth import FinraCredentials
from spine.finra.simulator import Simulator, running_simulator
from spine.finra.tuning import Tuning
from spine.storage.base import Storage
from tests.support.finra import MARKET, NOW, WEEK
from tests.support.finra_api import Waits
from tests.support.weekly import Clock, SimulatorConnections, Weekly

SECRET = "the-secret-of-this-test"
ASKED = {"source": "api", "tier": "T2", "week_ending": WEEK.isoformat()}
PAGED = Tuning(page_rows=25)  # the week of T2 has four pages
HASTY = Tuning(page_rows=25, timeout=1.0, retry=RetryPolicy(attempts=2))
_SIGNED = re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]{8,}")


@contextmanager
def finra(**options: Any) -> Iterator[Simulator]:
    """A simulator of the tests' market at the tests' present, which knows SECRET."""
    with running_simulator(**{"market": MARKET, "weeks": 4, "now": NOW, "client_secret": SECRET, **options}) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Api:
    """Deployments that ask one simulator, how long they were told to wait, and the tokens they were given."""

    simulator: Simulator
    waits: Waits = field(default_factory=Waits)
    tokens: list[str] = field(default_factory=list)

    def weekly(
        self,
        storage: Storage,
        root: Path,
        *,
        now: dt.datetime = NOW,
        tuning: Tuning = PAGED,
        secret: str | None = SECRET,
    ) -> Weekly:
        """:param secret: None asks without a key."""
        connections = SimulatorConnections(
            self.simulator.url,
            token_url=self.simulator.token_url,
            credentials=FinraCredentials(self.simulator.options.client_id, secret) if secret else None,
            tuning=tuning,
            sleep=self.waits,
            on_token=self.tokens.append,
        )
        return Weekly(storage, root, Clock(now), connections)

    def assert_no_secret(self, text: str) -> None:
        """Neither the secret nor a token, in whatever form they travel."""
        basic = base64.b64encode(f"{self.simulator.options.client_id}:{SECRET}".encode()).decode()
        for secret in (SECRET, basic, *self.tokens):
            assert secret not in text
        assert not _SIGNED.search(text), text
