"""What leaves a process in an error's text holds no secret that looks like one, or that was looked up."""

from __future__ import annotations

import traceback

import httpx
import pytest

from spine.core.errors import DependencyError, SpineError, as_spine_error
from spine.core.redaction import is_secret_name, learn_secret, learn_secrets_of, redact

CANARY = "hunter22-canary"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"GET https://h.example/a?key={CANARY}&b=1 failed", "GET https://h.example/a?*** failed"),
        (f"postgresql://ann:{CANARY}@db:5432/x is down", "postgresql://***@db:5432/x is down"),
        (f"db2://ann:p@ss{CANARY}@db/x?currentschema=A", "db2://***@db/x?***"),
        (f"Authorization: Bearer {CANARY}.x.y", "Authorization: Bearer ***"),
        (f"host=db user=ann password={CANARY} sslmode=require", "host=db user=ann password=*** sslmode=require"),
        (f"DATABASE=X;UID=ann;PWD={CANARY};PORT=1", "DATABASE=X;UID=ann;PWD=***;PORT=1"),
        (f"{{'client_secret': '{CANARY}', 'grant': 'x'}}", "{'client_secret': ***, 'grant': 'x'}"),
        (f'{{"access_token": "{CANARY}"}}', '{"access_token": ***}'),
        (f"api_key={CANARY}", "api_key=***"),
        ("https://h.example/a#b and 3 of 4 tokens: fine", "https://h.example/a#b and 3 of 4 tokens: fine"),
        (
            "T1 2026-04-10: 3 rows, expected 4 (see /srv/a b.csv)",
            "T1 2026-04-10: 3 rows, expected 4 (see /srv/a b.csv)",
        ),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(text: str, left: str) -> None:
    assert redact(text) == left
    assert redact(left) == left


def test_what_was_looked_up_is_blotted_out_wherever_it_stands() -> None:
    learn_secrets_of("pw-of-a-test", {"region": "eu", "api_key": "key-of-a-test", "x": {}})
    learn_secret("abc", None, "")
    assert redact("login pw-of-a-test in eu with key-of-a-test, abc") == "login *** in eu with ***, abc"


@pytest.mark.parametrize("name", ["password", "api_key", "apiKey", "clientSecret", "accessToken", "pwd", "db_password"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["tier", "tokens_used", "symbol", "passing", "monkey", "key", "compass"])
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)


def leaking(error: BaseException) -> SpineError:
    """As it comes out of a step: raised in a handler, made part of the tree, and redacted."""
    try:
        try:
            raise error
        except BaseException as cause:
            if isinstance(cause, SpineError):
                raise
            raise DependencyError(f"it said: {cause}", context={"url": f"https://h/?k={CANARY}"}) from cause
    except SpineError as caught:
        return as_spine_error(caught).without_secrets()


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError(f"no way to https://ann:{CANARY}@h.example/"),
        RuntimeError(f"password={CANARY}"),
        ExceptionGroup("several", [ValueError(f"token={CANARY}")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_neither_message_context_cause_nor_traceback_tell_it(error: Exception) -> None:
    known = leaking(error)
    told = [
        str(known),
        repr(known),
        str(known.context),
        str(known.to_dict()),
        "".join(traceback.format_exception(known)),
    ]
    # The line of code itself is no text of the error's.
    assert not any(CANARY in text for text in told)


def test_a_cause_without_secrets_stays_what_it_is() -> None:
    cause = KeyError("rows")
    known = as_spine_error(cause).without_secrets()
    assert known.__cause__ is cause
