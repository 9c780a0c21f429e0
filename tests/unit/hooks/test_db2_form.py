"""What the connection form of type ``db2`` asks for, and what IBM's driver is then told. No server is needed."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest
from airflow.sdk import Connection

from spine.core.errors import ConfigurationError
from spine.get_provider_info import get_provider_info
from spine.hooks.db2 import Db2Hook
from spine.hooks.db2_fields import place_of, storage_of
from spine.storage.db2 import Db2Storage

[ENTRY] = [each for each in get_provider_info()["connection-types"] if each["connection-type"] == "db2"]
FORM: dict[str, Any] = ENTRY["conn-fields"]
# Of each field: what a person fills in, and what must then be said.
FILLED_IN = {
    "currentschema": ("MARKET", 'SET CURRENT SCHEMA "MARKET"'),
    "security": ("SSL", ";Security=SSL;"),
    "sslservercertificate": ("/etc/db2/server.arm", ";SSLServerCertificate=/etc/db2/server.arm;"),
    "sslclientkeystoredb": ("/etc/db2/client.kdb", ";SSLClientKeystoreDB=/etc/db2/client.kdb;"),
    "sslclientkeystash": ("/etc/db2/client.sth", ";SSLClientKeystash=/etc/db2/client.sth;"),
    "sslclienthostnamevalidation": ("Basic", ";SSLClientHostnameValidation=Basic;"),
    "authentication": ("SERVER_ENCRYPT", ";Authentication=SERVER_ENCRYPT;"),
    "connecttimeout": (6, ";ConnectTimeout=6;"),
    "lock_timeout": (7, "SET CURRENT LOCK TIMEOUT 7"),
    "bulk_path": ("external", "load by external"),
    "pool_size": (2, "pool of 2"),
}


def connection(*, password: str = "pw", **extra: Any) -> Connection:
    fields: dict[str, Any] = {"host": "db", "port": 50001, "login": "bob", "password": password, "schema": "SPINE"}
    return Connection(conn_id="market", conn_type="db2", extra=json.dumps(extra), **fields)


def told(**extra: Any) -> str:
    """All that the driver and the pool are told."""
    place = place_of(connection(**extra))
    with closing(storage_of(connection(**extra))) as storage:
        assert isinstance(storage, Db2Storage)
        kept = f"load by {storage.bulk_path}, pool of {storage._pool.size()}"
    return " ".join([place.connection_string(), *place.first_statements(), kept])


def test_the_form_asks_for_what_the_tests_fill_in() -> None:
    assert FORM.keys() == FILLED_IN.keys()
    assert ENTRY["hook-class-name"] == f"{Db2Hook.__module__}.{Db2Hook.__name__}"


@pytest.mark.parametrize("name", FORM)
def test_a_field_reaches_the_driver(name: str) -> None:
    value, words = FILLED_IN[name]
    assert words in told(**{name: value})
    assert words not in told()
    schema = FORM[name]["schema"]
    assert value in schema.get("enum", [value])


def test_the_fields_of_every_connection_reach_the_driver() -> None:
    assert told().startswith("DATABASE=SPINE;HOSTNAME=db;PORT=50001;PROTOCOL=TCPIP;UID=bob;PWD=pw;ConnectTimeout=10;")


def test_a_form_left_as_it_opens_says_what_no_form_says() -> None:
    assert told(**{name: field["schema"].get("default") for name, field in FORM.items()}) == told()
    assert told(**dict.fromkeys(FORM, "")) == told()


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(ConfigurationError, match="extra lock_timeout is 'long'; expected a number"):
        place_of(connection(lock_timeout="long"))


@pytest.mark.parametrize(
    ("bulk_path", "words"),
    [("load", "commits by itself, apart from the ledger"), ("extrnal", "did you mean 'external'")],
)
def test_a_way_to_load_that_there_is_not_is_named(bulk_path: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        storage_of(connection(bulk_path=bulk_path))


def test_a_semicolon_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigurationError, match="PWD holds a semicolon") as caught:
        place_of(connection(password="s3cret;x"))
    assert "s3cret" not in caught.value.message
