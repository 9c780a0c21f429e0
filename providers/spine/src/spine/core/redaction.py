"""Secrets out of texts that leave a process: what failed may quote the URL, the login or the token it was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
_SHORTEST = 5  # blotting out shorter ones would spoil every text and hide nothing
_SECRET_NAME = (
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|signature)"
)
_ENDS_AS_SECRET = re.compile(rf"(?i){_SECRET_NAME}s?$")
_PATTERNS = (
    # What stands before @ in a URL's authority, also where a password holds an unescaped @ or colon.
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#\"'<>]*@"), rf"\1{HIDDEN}@"),
    # A URL's query, whole: its names and values may each be the secret.
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s?#\"'<>]+)\?[^\s\"'<>)\]]+"), rf"\1?{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # password=..., 'client_secret': '...', PWD=...; and --token ...
    (
        re.compile(rf"(?i)([\w-]*{_SECRET_NAME}[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&\"'}}\])]+)"),
        rf"\1{HIDDEN}",
    ),
)
_known: set[str] = set()


def learn_secret(*secrets: str | None) -> None:
    """Passwords and keys as this process looks them up: from then on none of them leaves in an error's text."""
    _known.update(secret for secret in secrets if secret and len(secret) >= _SHORTEST)


def redact(text: str) -> str:
    """The text without what is known to be a secret, or looks like one."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    return text


def is_secret_name(name: str) -> bool:
    """Whether a param or field of this name holds a secret: ``password``, ``client_secret``, ``accessToken`` ..."""
    return _ENDS_AS_SECRET.search(name) is not None


def learn_secrets_of(password: str | None, extra: Mapping[str, Any]) -> None:
    """Those of a connection: its password, and what its extras hold under names of secrets."""
    learn_secret(password, *(str(value) for name, value in extra.items() if is_secret_name(name)))
