"""What others say is shown without what they should not have said."""

from __future__ import annotations

import logging

import pytest

from spine.finra.redaction import SHOWN, Redactor, SignedUrlFilter


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.DEF-123~x/y+z==",
        "bearer abc.DEF",
        "Basic YWJjOmRlZg==",
        '{"access_token":"abc.DEF"}',
        "client_secret=abc.DEF&x=1",
        "password: abc.DEF",
        "https://s3.example/rows?X-Amz-Signature=abc.DEF&X-Amz-Credential=abc.DEF",
        "a learnt-secret here",
    ],
)
def test_secrets_become_stars(text: str) -> None:
    redact = Redactor()
    redact.learn("learnt-secret", "")
    shown = redact(text)
    assert "***" in shown
    for secret in ("abc.DEF", "YWJj", "learnt-secret"):
        assert secret not in shown


def test_other_words_stay() -> None:
    assert (
        Redactor()("Invalid field 'tierIdentifer'; basics bear fruit")
        == "Invalid field 'tierIdentifer'; basics bear fruit"
    )


def test_an_opening_is_one_short_printable_line() -> None:
    opening = Redactor().opening(b"<html>\n\x00\xff" + b"x" * 10_000)
    assert opening.startswith("<html>  \ufffdxxx")
    assert len(opening) == SHOWN


def test_a_secret_is_not_cut_in_half() -> None:
    redact = Redactor()
    redact.learn("S3cr3t" * 10)
    assert "S3cr3t" not in redact.opening(b"x" * (SHOWN - 10) + b"S3cr3t" * 10)


def test_a_signed_url_is_logged_without_its_signature(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("tests.redaction")
    log.addFilter(SignedUrlFilter())
    with caplog.at_level(logging.INFO):
        log.info('%s %s "%s"', "GET", "https://h/rows?X-Amz-Signature=abc", 200)
        log.info('%s %s "%s"', "GET", "https://h/rows?limit=5", 200)
    assert [record.getMessage() for record in caplog.records] == [
        'GET https://h/rows?*** "200"',
        'GET https://h/rows?limit=5 "200"',
    ]
