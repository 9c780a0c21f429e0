"""Faults on demand: what can go wrong between a client and FINRA, armed for the next requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from spine.core.errors import ValidationError
from spine.core.suggest import did_you_mean


class FaultKind(StrEnum):
    """The first six hit any request, TOKEN_REVOKED one with a token, those that bend rows only a request for them."""

    RATE_LIMITED = "rate_limited"  # 429; see RetryAfter
    SERVER_ERROR = "server_error"  # ``status`` with an HTML page, as a proxy in front sends it
    HTML_OK = "html_ok"  # 200 with an HTML page
    EMPTY_OK = "empty_ok"  # 200 without a body
    SLOW_BODY = "slow_body"  # the body takes ``seconds``, in ten pieces
    CUT_BODY = "cut_body"  # half the body, then the connection closes
    TOKEN_REVOKED = "token_revoked"  # every token issued so far is refused from now on
    DUPLICATE_ROWS = "duplicate_rows"  # a later page starts ``rows`` early; the total stays, so a row is missed
    DRIFTING_TOTAL = "drifting_total"  # rows were added in front: a later page starts early and the total grew
    WRONG_TOTAL = "wrong_total"  # record-total says ``rows`` more than there are


class RetryAfter(StrEnum):
    """The Retry-After header of a 429."""

    SECONDS = "seconds"
    DATE = "date"
    ABSURD = "absurd"
    NONSENSE = "nonsense"
    NONE = "none"


FIRST_PAGE_FAULTS = frozenset({FaultKind.WRONG_TOTAL})
ROW_FAULTS = FIRST_PAGE_FAULTS | {FaultKind.DUPLICATE_ROWS, FaultKind.DRIFTING_TOTAL}
BODY_FAULTS = frozenset({FaultKind.SLOW_BODY, FaultKind.CUT_BODY})
TOKEN_FAULTS = frozenset({FaultKind.TOKEN_REVOKED})
ANY_REQUEST_FAULTS = frozenset(FaultKind) - ROW_FAULTS - TOKEN_FAULTS


@dataclass(frozen=True, slots=True)
class Fault:
    """
    :param times: how many requests it hits.
    :param match: what their "METHOD /path" must contain.
    :param after: how many matching requests it lets pass first.
    :param status: of a server error.
    :param seconds: Retry-After, or how long a slow body takes.
    :param rows: how far rows or totals are off.
    """

    kind: FaultKind
    times: int = 1
    match: str = ""
    after: int = 0
    status: int = 503
    retry_after: RetryAfter = RetryAfter.SECONDS
    seconds: float = 1.0
    rows: int = 1

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Fault:
        """From JSON, or from the words of a command line.

        :raises ValidationError: an unknown kind or key, or a value of the wrong type.
        """
        names = {each.name for each in fields(cls)}
        unknown = next((key for key in given if key not in names), None)
        if unknown:
            raise ValidationError(f"a fault has no '{unknown}'; {did_you_mean(unknown, names)}")
        if given.get("kind") not in tuple(FaultKind):
            kind = str(given.get("kind", ""))
            raise ValidationError(f"unknown kind of fault '{kind}'; {did_you_mean(kind, FaultKind)}")
        return cls(**{key: _typed(key, value) for key, value in given.items()})

    @classmethod
    def parse(cls, text: str) -> Fault:
        """``kind`` or ``kind,key=value,...``, such as ``rate_limited,times=3,seconds=2``.

        :raises ValidationError: as from_mapping.
        """
        kind, *pairs = text.split(",")
        return cls.from_mapping({"kind": kind, **dict(pair.partition("=")[::2] for pair in pairs)})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _typed(key: str, value: Any) -> Any:
    kinds: dict[str, type] = {"kind": FaultKind, "match": str, "retry_after": RetryAfter, "seconds": float}
    try:
        return kinds.get(key, int)(value)
    except (TypeError, ValueError):
        raise ValidationError(f"{key} {value!r} of a fault; expected {kinds.get(key, int).__name__}") from None


class FaultBoard:
    """The faults that are armed, in the order in which they were."""

    def __init__(self, faults: Collection[Fault] = ()) -> None:
        self._armed = list(faults)

    @property
    def armed(self) -> tuple[Fault, ...]:
        return tuple(self._armed)

    def add(self, fault: Fault) -> None:
        self._armed.append(fault)

    def clear(self) -> None:
        self._armed.clear()

    def take(self, label: str, kinds: Collection[FaultKind]) -> Fault | None:
        """The fault that hits this request, which is then used up once; at most one of ``kinds``."""
        for index, fault in enumerate(self._armed):
            if fault.kind not in kinds or fault.match not in label:
                continue
            if fault.after:
                self._armed[index] = replace(fault, after=fault.after - 1)
                continue
            self._armed[index : index + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
            return fault
        return None
