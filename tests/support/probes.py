"""A source for the publication sensor whose answers a test sets beforehand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from spine.core.tiers import Tier

Answer = list[dt.date] | Exception
PROBE = f"{__name__}.weeks"
_answers: list[Answer] = []
_asked: list[tuple[str, Tier]] = []


def weeks(conn_id: str, tier: Tier) -> list[dt.date]:
    """The next answer; the last one stays."""
    _asked.append((conn_id, tier))
    answer = _answers.pop(0) if len(_answers) > 1 else _answers[0]
    if isinstance(answer, Exception):
        raise answer
    return answer


@contextmanager
def answering(*answers: Answer) -> Iterator[list[tuple[str, Tier]]]:
    """Who was asked for what."""
    _asked.clear()
    _answers[:] = answers
    yield _asked
