"""HTTP connections: the URL and the login they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from spine.core.errors import ConfigurationError
from spine.pipelines.connections import ConnectionDetails
from spine.pipelines.load_source import connection_options


def options(**given: Any) -> dict[str, Any]:
    return connection_options(ConnectionDetails("gate", "http", **given))


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"host": "api.example.org"}, "http://api.example.org"),
        ({"host": "api.example.org", "schema": "https", "port": 8443}, "https://api.example.org:8443"),
        ({"host": "https://api.example.org/v1"}, "https://api.example.org/v1"),
        ({"host": "https://api.example.org/v1", "port": 8443}, "https://api.example.org:8443/v1"),
        ({"host": "http://127.0.0.1:9000", "port": 8443}, "http://127.0.0.1:9000"),
        ({"host": "http://[::1]", "port": 8443}, "http://[::1]:8443"),
    ],
)
def test_the_url(given: dict[str, Any], url: str) -> None:
    assert options(**given)["url"] == url


@pytest.mark.parametrize(
    ("given", "auth"),
    [
        ({}, None),
        ({"extra": {"api_key": "k"}}, {"type": "api_key", "value": "k"}),
        ({"extra": {"api_key": "k", "api_key_header": "X-K"}}, {"type": "api_key", "value": "k", "header": "X-K"}),
        ({"extra": {"auth": "api_key"}, "password": "k"}, {"type": "api_key", "value": "k"}),
        ({"extra": {"token": "t"}}, {"type": "bearer", "token": "t"}),
        ({"password": "t"}, {"type": "bearer", "token": "t"}),
        ({"login": "u", "password": "p"}, {"type": "basic", "user": "u", "password": "p"}),
        ({"login": "u", "password": "p", "extra": {"auth": "none"}}, None),
    ],
)
def test_the_login(given: dict[str, Any], auth: dict[str, Any] | None) -> None:
    assert options(host="h", **given)["auth"] == auth


@pytest.mark.parametrize("given", [{}, {"host": "h", "extra": {"auth": "kerberos"}}])
def test_connections_that_are_of_no_use(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="connection 'gate'"):
        options(**given)


def test_secrets_do_not_show() -> None:
    details = ConnectionDetails("gate", "http", host="h", password="s3cret", extra={"api_key": "s3cret"})
    assert "s3cret" not in repr(details)
