"""The weekly workflow on an API that misbehaves: what passes leaves no trace, what does not publishes nothing."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spine.core.errors import (
    DeadlineExceeded,
    DependencyError,
    PermissionDenied,
    RateLimitError,
    SourceError,
    SpineError,
    TransientError,
    ValidationError,
)
from spine.finra.simulator import Fault, FaultKind, Keyless, RetryAfter
from spine.storage.base import Storage
from tests.support.api_weeks import ASKED, HASTY, PAGED, SECRET, Api, finra
from tests.support.finra import NOW
from tests.support.finra_api import everything_logged
from tests.support.storage import WITHOUT_DB2, open_upgraded
from tests.support.weekly import Weekly, assert_same

pytestmark = [pytest.mark.integration, WITHOUT_DB2]
FOREVER = 10**6
ROWS = "POST /data"
LOGIN = "oauth2"
FINAL = {FaultKind.HTML_OK, FaultKind.TOKEN_REVOKED}
NO_TOKEN = (FaultKind.EMPTY_OK, LOGIN)
Pictures = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """What readers see after an undisturbed run."""
    folder = tmp_path_factory.mktemp("calm")
    with finra() as simulator, open_upgraded(f"sqlite:///{folder / 'calm.db'}") as storage:
        weekly = Api(simulator).weekly(storage, folder)
        weekly.run(**ASKED)
        return weekly.pictures()


@pytest.fixture
def api(caplog: pytest.LogCaptureFixture) -> Iterator[Api]:
    with finra() as simulator:
        yield from listening(Api(simulator), caplog)


def listening(api: Api, caplog: pytest.LogCaptureFixture) -> Iterator[Api]:
    """Nothing that any logger says at any level may tell a secret."""
    with everything_logged(caplog):
        yield api
    records = caplog.get_records("call")
    heard = any(record.name.startswith("httpcore") for record in records)
    assert heard or not api.simulator.journal.entries, "nobody was listening"
    for record in records:
        api.assert_no_secret(f"{record.getMessage()} {record.args!r} {record.exc_text}")


@pytest.fixture
def weekly(api: Api, upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    return api.weekly(upgraded_storage, tmp_path)


def failed(api: Api, weekly: Weekly, kind: type[SpineError], words: str, **params: Any) -> dict[str, Any]:
    """The run fails in its first step, of this error, which says so; nobody can tell from the database that it was there."""
    ended = weekly.attempt(**{**ASKED, **params})
    assert (ended.state, list(ended.results)) == ("failed", ["ingest"])
    error = ended.results["ingest"].error
    assert error is not None
    assert (error["type"], error["category"]) == (kind.__name__, kind.category), error
    assert words in error["message"]
    api.assert_no_secret(json.dumps(ended.results["ingest"].to_dict()))
    assert_nothing_left(weekly)
    return error


def assert_nothing_left(weekly: Weekly) -> None:
    assert not any(weekly.counts().values())
    assert weekly.scalar("SELECT COUNT(*) FROM core_concurrency_locks WHERE expires_at > acquired_at") == 0


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault(FaultKind.RATE_LIMITED, times=2, match=ROWS, after=1, retry_after=said) for said in RetryAfter),
        Fault(FaultKind.RATE_LIMITED, times=3, match=LOGIN),
        Fault(FaultKind.SERVER_ERROR, times=4, match=ROWS, status=502),
        Fault(FaultKind.SERVER_ERROR, times=2, match=LOGIN),
        Fault(FaultKind.SLOW_BODY, times=FOREVER, seconds=0.05),
        Fault(FaultKind.CUT_BODY, times=3, match=ROWS, after=2),
        Fault(FaultKind.EMPTY_OK, match=ROWS, after=2),
        Fault(FaultKind.TOKEN_REVOKED, after=2),
        Fault(FaultKind.DUPLICATE_ROWS, after=1, rows=3),
        Fault(FaultKind.DRIFTING_TOTAL, after=1),
        Fault(FaultKind.WRONG_TOTAL),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.retry_after}-{fault.match}",
)
def test_what_passes_leaves_no_trace(api: Api, weekly: Weekly, calm: Pictures, fault: Fault) -> None:
    api.simulator.faults.add(fault)
    weekly.run(**ASKED)
    assert_same(weekly.pictures(), calm)
    assert weekly.scalar("SELECT COUNT(*) FROM core_captures") == 1
    assert fault.times == FOREVER or not api.simulator.faults.armed


def test_a_body_that_is_too_slow_once_is_asked_for_again(
    api: Api, upgraded_storage: Storage, tmp_path: Path, calm: Pictures
) -> None:
    api.simulator.faults.add(Fault(FaultKind.SLOW_BODY, match=ROWS, after=1, seconds=4.0))
    weekly = api.weekly(upgraded_storage, tmp_path, tuning=HASTY)
    weekly.run(**ASKED)
    assert_same(weekly.pictures(), calm)
    assert len(api.waits.seconds) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (
            Fault(FaultKind.RATE_LIMITED, after=2, match=ROWS),
            RateLimitError,
            "lower max_concurrency or the request rate",
        ),
        (Fault(FaultKind.RATE_LIMITED, match=LOGIN), RateLimitError, "answered 429: Too many requests"),
        (Fault(FaultKind.SERVER_ERROR, after=2, match=ROWS), TransientError, "answered 503: text/html"),
        (Fault(FaultKind.SERVER_ERROR, match=ROWS, status=500), TransientError, "Usually gone after a while"),
        (Fault(FaultKind.SLOW_BODY, after=2, match=ROWS, seconds=4.0), DeadlineExceeded, "took longer than 1 s"),
        (Fault(FaultKind.CUT_BODY, after=2, match=ROWS), DependencyError, "broke off"),
        (Fault(FaultKind.HTML_OK, after=2, match=ROWS), SourceError, "with text/html where rows was expected"),
        (Fault(FaultKind.HTML_OK, match=LOGIN), SourceError, "Check token_url of the connection"),
        (Fault(FaultKind.EMPTY_OK, match=ROWS), SourceError, "has no ATS_W_SMBL_FIRM rows of T2"),
        (Fault(FaultKind.EMPTY_OK, match=LOGIN), SourceError, "no access_token"),
        (Fault(FaultKind.TOKEN_REVOKED, after=2), PermissionDenied, "Invalid or expired access token"),
        (Fault(FaultKind.DUPLICATE_ROWS, after=1), SourceError, "rows came twice"),
        (Fault(FaultKind.DRIFTING_TOTAL, after=1), SourceError, "4 times in a row; the last time the total went from"),
        (Fault(FaultKind.WRONG_TOTAL), SourceError, "FINRA may be publishing just now: try again later"),
    ],
    ids=lambda value: f"{value.kind}-{value.match}" if isinstance(value, Fault) else None,
)
def test_what_does_not_pass_publishes_nothing_and_the_next_run_is_whole(
    api: Api,
    upgraded_storage: Storage,
    tmp_path: Path,
    calm: Pictures,
    fault: Fault,
    kind: type[SpineError],
    words: str,
) -> None:
    slow, final = fault.kind is FaultKind.SLOW_BODY, fault.kind in FINAL or (fault.kind, fault.match) == NO_TOKEN
    weekly = api.weekly(upgraded_storage, tmp_path, tuning=HASTY if slow else PAGED)
    api.simulator.faults.add(replace(fault, times=FOREVER))
    error = failed(api, weekly, kind, words)
    assert error["retryable"] is not final
    api.simulator.faults.clear()
    weekly.run(**ASKED)
    assert_same(weekly.pictures(), calm)


@pytest.mark.parametrize("said", RetryAfter)
def test_no_retry_after_makes_a_run_wait_for_long(api: Api, weekly: Weekly, said: RetryAfter) -> None:
    api.simulator.faults.add(Fault(FaultKind.RATE_LIMITED, times=FOREVER, match=ROWS, retry_after=said, seconds=40.0))
    error = failed(api, weekly, RateLimitError, "FINRA asks to slow down")
    assert 0 < error["retry_after"] <= 120
    assert sum(api.waits.seconds) <= 300
    if said in (RetryAfter.SECONDS, RetryAfter.DATE):
        assert all(38 <= seconds <= 40 for seconds in api.waits.seconds)


@pytest.mark.parametrize(
    ("options", "secret", "words"),
    [
        ({}, "wrong", "check login and password of the connection against FINRA's API console"),
        ({"mock_credentials": True}, SECRET, "mock and test credentials open mock datasets only"),
        ({"keyless": Keyless.NOWHERE}, None, "The credentials are missing, wrong or expired"),
    ],
    ids=["wrong secret", "mock credentials", "no key"],
)
def test_who_may_not_ask_is_told_what_to_do(
    upgraded_storage: Storage,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, Any],
    secret: str | None,
    words: str,
) -> None:
    with finra(**options) as simulator:
        for api in listening(Api(simulator), caplog):
            weekly = api.weekly(upgraded_storage, tmp_path, secret=secret)
            error = failed(api, weekly, PermissionDenied, words)
    assert not error["retryable"]
    assert error["context"]["status"] in ("401", "403")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"week_ending": "2026-04-09"}, "is a Thursday, and weeks end on a Friday; did you mean 2026-04-10"),
        ({"tier": "T9"}, "T9"),
        ({"source": "apy"}, "param 'source'"),
    ],
)
def test_a_run_that_makes_no_sense_asks_nobody(api: Api, weekly: Weekly, params: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        weekly.attempt(**{**ASKED, **params})
    assert_nothing_left(weekly)
    assert not api.simulator.journal.entries


def test_a_week_that_is_not_published_yet_is_not_asked_for(api: Api, weekly: Weekly) -> None:
    words = "is not published yet: FINRA publishes it on 2026-05-18 06:00 EDT; the newest week out is 2026-04-10"
    error = failed(api, weekly, ValidationError, words, week_ending="2026-04-17")
    assert not error["retryable"]
    assert not api.simulator.journal.entries


def test_a_week_that_finra_owes_is_worth_waiting_for(api: Api, upgraded_storage: Storage, tmp_path: Path) -> None:
    weekly = api.weekly(upgraded_storage, tmp_path, now=NOW + dt.timedelta(days=4))  # FINRA is late
    error = failed(api, weekly, SourceError, "which were due on 2026-05-18 06:00 EDT", week_ending="2026-04-17")
    assert error["retryable"]
    api.simulator.clock.advance(dt.timedelta(days=4))
    weekly.run(**{**ASKED, "week_ending": "2026-04-17"})


def test_a_week_that_finra_no_longer_keeps_is_named(api: Api, weekly: Weekly) -> None:
    words = "rows of T2 for the week ending 2025-12-05, which were due on"
    error = failed(api, weekly, SourceError, words, week_ending="2025-12-05")
    assert "FINRA may be late, or no longer keep the week" in error["message"]
    assert not error["retryable"]


def test_a_partition_that_is_announced_and_empty_is_worth_waiting_for(api: Api, weekly: Weekly, calm: Pictures) -> None:
    api.simulator.faults.add(Fault(FaultKind.EMPTY_OK, match=ROWS))
    error = failed(api, weekly, SourceError, "for the week ending 2026-04-10, which were due on", week_ending=None)
    assert error["retryable"]
    weekly.run(**{**ASKED, "week_ending": None})
    assert_same(weekly.pictures(), calm)


@pytest.mark.parametrize("kind", [FaultKind.HTML_OK, FaultKind.EMPTY_OK])
def test_a_list_of_partitions_that_is_none_is_an_error(api: Api, weekly: Weekly, kind: FaultKind) -> None:
    api.simulator.faults.add(Fault(kind, match="/partitions"))
    failed(api, weekly, SourceError, "where a list of partitions was expected", week_ending=None)


def test_without_a_key_the_newest_week_is_found_where_partitions_are_closed(
    upgraded_storage: Storage, tmp_path: Path, calm: Pictures
) -> None:
    with finra(keyless=Keyless.DATA) as simulator:
        weekly = Api(simulator).weekly(upgraded_storage, tmp_path, secret=None)
        weekly.run(source="api", tier="T2")
        assert_same(weekly.pictures(), calm)
