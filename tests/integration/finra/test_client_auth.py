"""Tokens: one for all, renewed in time, never seen."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from spine.core.errors import ConfigurationError, PermissionDenied, SourceError, SpineError
from spine.core.retrying import RetryBudget, RetryPolicy
from spine.finra.auth import FinraCredentials, TokenSource
from spine.finra.transport import Transport
from spine.finra.tuning import Tuning
from tests.support.finra_api import NOW, Paged, Talk, everything_logged, made_rows, talking
from tests.support.http_server import Asked, Reply, json_reply, serving

pytestmark = pytest.mark.integration
SECRET = "S3cr3t-of-nobody"
CREDENTIALS = FinraCredentials("some-client", SECRET)
BASIC = "Basic " + base64.b64encode(f"some-client:{SECRET}".encode()).decode()


@dataclass
class Guarded:
    """Rows for those who bear the newest token."""

    lifetime: Any = 43_170
    issued: list[str] = field(default_factory=list)
    rows: Paged = field(default_factory=lambda: Paged(made_rows(60)))

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            if asked.headers.get("authorization") != BASIC or asked.query != {"grant_type": "client_credentials"}:
                return Reply(b'{"error": "invalid_client"}', 401, {"Content-Type": "application/json"})
            self.issued.append(f"token-number-{len(self.issued)}")
            return json_reply({"access_token": self.issued[-1], "token_type": "Bearer", "expires_in": self.lifetime})
        if asked.headers.get("authorization") != f"Bearer {self.issued[-1] if self.issued else '?'}":
            return Reply(b'{"message": "Bearer token-number-0 is no good"}', 401, {"Content-Type": "application/json"})
        return self.rows(asked)


@contextmanager
def guarded(guard: Guarded, **options: Any) -> Iterator[Talk]:
    with talking(guard, **({"credentials": CREDENTIALS} | options)) as talk:
        yield talk


def test_one_token_serves_all_pages_of_all_threads() -> None:
    guard = Guarded()
    with guarded(guard, tuning=Tuning(page_rows=5, concurrency=8)) as talk:
        assert len(talk.rows()) == len(talk.rows()) == 60
    assert len(guard.issued) == 1


def test_a_token_that_ended_early_is_renewed_once() -> None:
    guard = Guarded()
    with guarded(guard, tuning=Tuning(page_rows=5, concurrency=8)) as talk:
        talk.rows()
        guard.issued.append("revoked by FINRA")
        assert len(talk.rows()) == 60
    assert len(guard.issued) == 3


def test_credentials_that_open_nothing_are_refused_after_one_renewal() -> None:
    guard = Guarded()

    def closed(asked: Asked) -> Reply:
        return guard(asked) if asked.path == "/token" else Reply(b"", 401)

    with talking(closed, credentials=CREDENTIALS) as talk:
        talk.refused(PermissionDenied, "secrets live one year")
        assert [asked.path == "/token" for asked in talk.server.asked] == [True, False, True, False]


@pytest.mark.parametrize("status", [400, 401])
def test_wrong_credentials_say_where_to_look(status: int) -> None:
    with talking(lambda asked: Reply(b'{"error": "invalid_client"}', status), credentials=CREDENTIALS) as talk:
        talk.refused(PermissionDenied, "invalid_client.*check login and password of the connection")
        assert len(talk.server.asked) == 1


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[]", b"{}", b'{"access_token": ""}', b'{"access_token": 5}'])
def test_an_answer_without_a_token_is_an_error(body: bytes) -> None:
    with talking(lambda asked: Reply(body), credentials=CREDENTIALS) as talk:
        talk.refused(SourceError, "no access_token. Check token_url")


def test_a_token_server_in_trouble_is_asked_again() -> None:
    guard, troubles = Guarded(), [Reply(status=503), Reply(status=429)]
    with talking(lambda asked: troubles.pop() if troubles else guard(asked), credentials=CREDENTIALS) as talk:
        assert len(talk.rows()) == 60


@pytest.mark.parametrize(
    ("lifetime", "renewed_after"),
    [(43_170, 43_110.0), ("43170", 43_110.0), (60, 30.0), (None, 1440.0), ("soon", 1440.0), (-5, 1440.0), (0, 1440.0)],
)
def test_a_token_is_renewed_a_minute_early(lifetime: Any, renewed_after: float) -> None:
    guard, time = Guarded(lifetime), [100.0]
    with serving(guard) as server:
        transport = Transport(timeout=30, max_connections=1, longest_asked=1, now=lambda: NOW)
        source = TokenSource(transport, f"{server.url}/token", CREDENTIALS, clock=lambda: time[0])
        budget = RetryBudget(RetryPolicy())
        first = source.token(budget)
        time[0] += renewed_after - 0.5
        assert source.token(budget) == first
        time[0] += 1
        assert source.token(budget) == "token-number-1"
        transport.close()


def test_secrets_are_in_no_log_no_error_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    shown = []
    with everything_logged(caplog):
        guard = Guarded()
        with guarded(guard, tuning=Tuning(page_rows=5)) as talk:
            talk.rows()
            shown += [repr(talk.client), repr(vars(talk.client)), repr(CREDENTIALS)]
        echo = f'{{"message": "you said {BASIC} and {SECRET} and Bearer abc.def"}}'.encode()
        for status in (400, 401, 403, 429, 500, 200):
            with talking(lambda asked, status=status: Reply(echo, status), credentials=CREDENTIALS) as talk:
                with pytest.raises(SpineError) as failed:
                    talk.rows()
                shown += [str(failed.value), repr(failed.value.to_dict()), repr(failed.value.__cause__)]
    assert "HTTP Request" in caplog.text
    everything = caplog.text + "".join(shown)
    for secret in (SECRET, BASIC.removeprefix("Basic "), *guard.issued, "abc.def"):
        assert secret not in everything


def test_tokens_are_told_to_whoever_masks_logs() -> None:
    told: list[str] = []
    with guarded(Guarded(), on_token=told.append) as talk:
        talk.rows()
    assert told == ["token-number-0"]


@pytest.mark.parametrize(("client_id", "secret"), [("", "x"), ("x", "")])
def test_half_a_credential_is_none(client_id: str, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="give both, or neither"):
        FinraCredentials(client_id, secret)


@pytest.mark.parametrize("option", ["base_url", "token_url"])
def test_secrets_are_not_sent_in_the_clear(option: str) -> None:
    refused = pytest.raises(ConfigurationError, match="would send credentials unencrypted; use https")
    with refused, guarded(Guarded(), **{option: "http://api.finra.org"}):
        pass


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "http://simulator:1"])
def test_neighbours_may_be_asked_in_the_clear(url: str) -> None:
    with guarded(Guarded(), base_url=url):
        pass
