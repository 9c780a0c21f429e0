"""The requests seen, without secrets, for tests and for people who debug a client."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from spine.finra.simulator.messages import Answer, Request

# What is kept of a request is named here; anything else may be a secret.
_PARAMS = ("tier", "weekEnding", "grant_type", "fields", "limit", "offset", "sortFields", "async", "group", "name")
_FILTERS = ("compareFilters", "dateRangeFilters", "domainFilters", "orFilters")
_WORDS = ("fields", "limit", "offset", "sortFields", "async", "delimiter", "quoteValues", *_FILTERS)
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """``authorization`` is the scheme alone; ``query`` what a request asked for; ``fault`` what it was hit by."""

    number: int
    method: str
    path: str
    query: dict[str, Any]
    authorization: str
    status: int
    rows: int | None
    fault: str | None


class Journal:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_MOST)
        self._count = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries)

    def add(self, request: Request, answer: Answer) -> None:
        self._count += 1
        self._entries.append(
            Entry(
                number=self._count,
                method=request.method,
                path=request.path,
                query=_asked(request),
                authorization=_scheme(request),
                status=answer.status,
                rows=answer.rows,
                fault=str(answer.fault.kind) if answer.fault else None,
            )
        )

    def clear(self) -> None:
        self._entries.clear()

    def to_list(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self._entries]


def _scheme(request: Request) -> str:
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    return scheme if scheme in ("", "basic", "bearer") else "other"


def _asked(request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = {name: value for name, value in request.params.items() if name in _PARAMS}
    try:
        body = json.loads(request.body) if request.path.startswith("/data/") and request.body else {}
    except ValueError:
        return asked
    return asked | ({name: body[name] for name in _WORDS if name in body} if isinstance(body, dict) else {})
