"""Circuit breakers in each database, by a clock of the test's own."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from spine.core.errors import BreakerOpen, ConfigurationError, DependencyError, SourceError, SpineError
from spine.core.guards import BreakerLimits
from spine.resilience.breaker import State
from spine.resilience.breaker_table import find
from spine.resilience.breakers import Breakers
from spine.storage.base import Storage
from tests.support.breaker_tasks import LIMITS, NAME, START, TRIES
from tests.support.processes import run_together, worker
from tests.support.storage import WITHOUT_DB2

pytestmark = pytest.mark.integration


@dataclass
class Uses:
    """A dependency that is used at a time of the test's choosing."""

    storage: Storage
    now: dt.datetime = START
    limits: BreakerLimits = LIMITS

    @property
    def breakers(self) -> Breakers:
        return Breakers(self.storage, lambda: self.now, self.limits)

    def wait(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)

    def ends(self, error: BaseException | None = None, **limits: Any) -> None:
        with self.breakers.guard(NAME, limits):
            if error is not None:
                raise error

    def fails(self, times: int = 1, error: BaseException | None = None) -> None:
        for _ in range(times):
            with pytest.raises(SpineError, match="down"):
                self.ends(error or DependencyError("it is down"))

    def refused(self) -> BreakerOpen:
        with pytest.raises(BreakerOpen) as told:
            self.ends()
        return told.value

    @property
    def state(self) -> str:
        return str(find(self.storage, NAME).breaker.state)

    def alerts(self) -> list[tuple[str, str]]:
        rows = self.storage.query("SELECT state, cause FROM core_alerts ORDER BY raised_at, state").rows
        return [(state, cause) for state, cause in rows]


@pytest.fixture
def uses(upgraded_storage: Storage) -> Uses:
    return Uses(upgraded_storage)


def test_it_opens_refuses_tries_and_closes(uses: Uses) -> None:
    uses.ends()
    assert uses.breakers.every() == [], "a dependency that never failed costs no row"
    uses.fails(times=4)
    assert (uses.state, uses.alerts()) == ("closed", [])
    uses.fails()
    assert (uses.state, uses.alerts()) == ("open", [("FIRING", f"breaker:{NAME}")])
    uses.wait(12)
    error = uses.refused()
    assert (error.retry_after, error.retryable, error.context["breaker"]) == (18.0, True, NAME)
    assert f"airflow spine breakers reset {NAME}" in error.message
    assert "[DEPENDENCY] it is down" in error.message
    uses.wait(18)
    uses.ends()
    assert uses.state == "half_open"
    uses.ends()
    assert uses.state == "closed"
    assert uses.alerts() == [("FIRING", f"breaker:{NAME}"), ("RESOLVED", f"breaker:{NAME}")]
    [fired, resolved] = uses.storage.query("SELECT fingerprint FROM core_alerts").rows
    assert fired == resolved


def test_a_trial_that_fails_begins_the_wait_anew_and_is_no_news(uses: Uses) -> None:
    uses.fails(times=5)
    uses.wait(31)
    uses.fails()
    assert (uses.state, uses.refused().retry_after) == ("open", 30.0)
    assert len(uses.alerts()) == 1


def test_what_tells_nothing_of_it_does_not_count(uses: Uses) -> None:
    uses.fails(times=4)
    uses.fails(times=9, error=SourceError("404, but not down"))
    uses.fails(times=4)
    assert uses.state == "closed", "an answer that is unusable is an answer"
    for error in (KeyError("a defect of ours"), ConfigurationError("no URL"), KeyboardInterrupt()):
        with suppress(type(error)):
            uses.ends(error)
    assert uses.state == "closed"
    assert find(uses.storage, NAME).breaker.failures == 4


def test_a_trial_that_tells_nothing_leaves_its_place_to_another(uses: Uses) -> None:
    uses.fails(times=5)
    uses.wait(31)
    with pytest.raises(KeyboardInterrupt):
        uses.ends(KeyboardInterrupt())
    assert uses.state == "half_open"
    uses.ends()
    uses.ends()
    assert uses.state == "closed"


def test_while_one_tries_the_others_wait(uses: Uses) -> None:
    uses.fails(times=5)
    uses.wait(31)
    with uses.breakers.guard(NAME):
        uses.wait(10)
        assert uses.refused().retry_after == 20.0
        uses.wait(60)
        assert uses.refused().retry_after == 1.0
    assert uses.state == "half_open"


def test_a_connection_may_have_limits_of_its_own_and_zero_turns_it_off(uses: Uses) -> None:
    with suppress(DependencyError):
        uses.ends(DependencyError("down"), failure_threshold=1)
    assert uses.state == "open"
    uses.ends(failure_threshold=0)
    with pytest.raises(ConfigurationError, match="did you mean 'recovery_timeout'"):
        uses.ends(recovery_timout=1)


def test_a_person_may_open_and_close_it(uses: Uses) -> None:
    known = uses.breakers.trip(NAME, by="ann")
    assert (known.breaker.state, known.last_error) == (State.OPEN, "opened by ann")
    uses.refused()
    uses.breakers.reset(NAME, by="ann")
    uses.ends()
    assert [state for state, _ in uses.alerts()] == ["FIRING", "RESOLVED"]
    picture = json.loads(json.dumps(uses.breakers.every()[0].to_dict()))
    assert (picture["name"], picture["state"], picture["config"]["failure_threshold"]) == (NAME, "closed", 5)


def test_where_the_table_cannot_be_had_calls_go_through(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    uses = Uses(storage)  # without migrations
    with caplog.at_level("WARNING"):
        uses.ends()
        uses.fails(times=9)
    assert "cannot be read, so the call goes through" in caplog.text


def test_a_long_quote_of_a_secret_is_stored_short_and_without_it(uses: Uses) -> None:
    uses.fails(times=5, error=DependencyError(f"down: http://x.example/?token=hunter22 {'long ' * 2000}"))
    [known] = uses.breakers.every()
    assert "hunter22" not in known.last_error
    assert len(known.last_error) <= 1000


@WITHOUT_DB2
def test_eight_processes_open_it_once(uses: Uses, database_url: str) -> None:
    ended = run_together("breaker_tasks:fail_often", database_url, [str(number) for number in range(8)])
    assert [code for code, _ in ended] == [0] * 8, ended
    asked, refused = (sum(int(told.split()[place]) for _, told in ended) for place in (0, 1))
    assert asked + refused == 8 * TRIES
    # Those that were inside when the fifth failed may end as well; nobody enters afterwards.
    assert 5 <= asked <= 5 + 7
    assert (uses.state, uses.alerts()) == ("open", [("FIRING", f"breaker:{NAME}")])


@WITHOUT_DB2
def test_of_eight_processes_at_the_same_moment_one_tries(uses: Uses, database_url: str) -> None:
    uses.fails(times=5)
    with ExitStack() as stack:
        workers = [stack.enter_context(worker("breaker_tasks:try_once", database_url, "31")) for _ in range(8)]
        for each in workers:
            assert each.says() == "ready"
        for each in workers:
            each.go()
        told = [each.says() for each in workers]
        assert sorted(words.split()[0] for words in told) == ["inside", *["refused"] * 7]
        trial = workers[told.index("inside")]
        trial.go()
        assert trial.says() == "done"
    assert find(uses.storage, NAME).breaker.successes == 1


@WITHOUT_DB2
def test_a_trial_that_was_killed_holds_nobody_back_for_ever(uses: Uses, database_url: str) -> None:
    uses.fails(times=5)
    with worker("breaker_tasks:try_and_stay", database_url, "31") as trial:
        assert trial.says() == "ready"
        trial.go()
        assert trial.says() == "inside"
        trial.process.kill()
    uses.wait(31 + 899)
    uses.refused()
    uses.wait(1)
    uses.ends()
    uses.ends()
    assert uses.state == "closed"
