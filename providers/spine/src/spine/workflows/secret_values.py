"""Secrets do not stand in workflow files: those are read by everyone who may see the DAG."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from spine.documents.document import Document, Place
from spine.documents.problems import Code
from spine.workflows.references import reference

# The ends of such names: access_token, client-secret, apikey ...
_NAMES = (
    *("password", "passwd", "passphrase", "secret", "token", "credentials", "authorization"),
    *("apikey", "accesskey", "secretkey", "privatekey", "connectionstring", "dsn"),
)
_LOGIN_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def check_secrets(document: Document) -> None:
    """Note every value that is a secret by the name of its key, and every URL with a password in it."""
    for place, what in _found(document.value, ()):
        message = f"{what} does not belong in a workflow file, which everyone who may see the DAG can read"
        suggestion = "put it in a connection and name that"
        document.add(Code.SECRET, message, *place, suggestion=suggestion)


def _found(value: Any, place: Place, name: str = "") -> Iterator[tuple[Place, str]]:
    """:param name: the key that the value stands behind; a param's default stands behind the param's name."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _found(item, (*place, key), name if key in ("default", "const") else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _found(item, (*place, index), name)
    elif isinstance(value, str) and value and reference(value) is None:
        if _is_secret(name):
            yield place, f"the value of '{name}'"
        elif "@" in value and _LOGIN_IN_URL.search(value):
            yield place, "a URL with a password"


def _is_secret(name: str) -> bool:
    return name.replace("_", "").replace("-", "").lower().endswith(_NAMES)
