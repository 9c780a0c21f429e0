"""Secrets that got into a sentence: what the text of other people's errors may hold, taken out before anybody reads it.

It knows the places where secrets stand (URLs, headers, ``name=value``), not the secrets; who knows those masks them as well.
"""

from __future__ import annotations

import re

MASK = "***"

_NAMES = r"[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|routing[_-]?key|signature|sig)"
_PLACES = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@'\"]*@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"(hooks\.slack\.com/[a-z]+/|/services/)[^\s'\"<>?)]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(Bearer|Basic)\s+(?=\S*[\d=._-])[\w.=+/~-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\bxox[a-z]-[\w-]+", re.IGNORECASE), MASK),
    (
        re.compile(rf"(\b{_NAMES}['\"]?\s*[=:]\s*)(?!\*\*\*)('[^']*'|\"[^\"]*\"|[^\s&,;)'\"]+)", re.IGNORECASE),
        rf"\1{MASK}",
    ),
)


def scrubbed(text: str) -> str:
    """The same with ``***`` where a secret stood."""
    for place, masked in _PLACES:
        text = place.sub(masked, text)
    return text
