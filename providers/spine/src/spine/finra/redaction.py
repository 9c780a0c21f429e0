"""Keeping secrets out of messages: what the other side says may repeat what it was sent."""

from __future__ import annotations

import logging
import re

SHOWN = 200  # characters of a foreign answer that an error may quote
_PATTERNS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 ***"),
    (re.compile(r'(?i)("?(?:access_token|client_secret|password)"?\s*[:=]\s*"?)[^"&\s,}]+'), r"\1***"),
    (re.compile(r"(?i)([?&](?:X-Amz-[\w-]+|signature)=)[^&\s\"'<>]+"), r"\1***"),
)


class Redactor:
    """Blots out what looks like a secret, and every secret it was told."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def learn(self, *secrets: str) -> None:
        self._secrets.update(secret for secret in secrets if secret)

    def __call__(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        for pattern, shown in _PATTERNS:
            text = pattern.sub(shown, text)
        return text

    def opening(self, body: bytes) -> str:
        """The first characters of a body in one printable line; redacted first, so that no secret is cut in half."""
        text = self(body[: 8 * SHOWN].decode("utf-8", "replace"))
        return "".join(each if each.isprintable() else " " for each in text)[:SHOWN].strip()


class SignedUrlFilter(logging.Filter):
    """httpx logs each request's URL; a pre-signed one would let readers of the log fetch the rows."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and any("signature=" in str(each).lower() for each in record.args):
            record.args = tuple(_without_query(each) for each in record.args)
        return True


def _without_query(value: object) -> object:
    text = str(value)
    return text.partition("?")[0] + "?***" if "signature=" in text.lower() else value
