"""An HTTP answer from FINRA, and which error it stands for.

Error bodies are JSON with ``statusCode``, ``message`` and ``requestId``, or only a message; what stands before FINRA
(Cloudflare, AWS) answers with HTML.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spine.core.errors import PermissionDenied, RateLimitError, SourceError, SpineError, TransientError
from spine.core.retrying import retry_after_seconds
from spine.finra.redaction import Redactor

ASK_AGAIN_AFTER = 60.0  # FINRA counts requests by the minute
_WORTH_REPEATING = {408, 425}
_CONSOLE = "FINRA's API console (gateway.finra.org/app/api-console)"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    :param where: the URL without its query.
    :param headers: case-insensitive.
    :param whole: the transfer itself tells that nothing is cut off.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    where: str
    whole: bool = True

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        return self.content_type.endswith("json")

    @property
    def empty(self) -> bool:
        """204, or 200 with nothing in it, as some mock datasets answer."""
        return self.status == 204 or not self.body.strip()

    def count(self, header: str) -> int | None:
        """A number from a header; None where it is absent, empty or no number."""
        text = self.headers.get(header, "").strip()
        return int(text) if text.isascii() and text.isdigit() else None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object, empty when it is none."""
        if not self.body[:100].lstrip().startswith(b"{"):
            return {}  # without parsing a page of rows
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def request_id(self) -> str | None:
        """What FINRA's support asks for."""
        found = self.headers.get("finra-api-request-id") or self.json_object().get("requestId")
        return str(found) if found else None

    def retry_after(self, now: dt.datetime) -> float | None:
        """Seconds that the server asks to wait: a number or an HTTP date."""
        return retry_after_seconds(self.headers.get("retry-after", ""), now)


def error_of(answer: Answer, redact: Redactor, *, asked: float | None = None) -> SpineError | None:
    """The error an answer stands for, None for a good one.

    :param asked: seconds after which the server wants to be asked again, as far as they are believed.
    """
    said = answer.json_object() if answer.status >= 300 or answer.is_json else {}
    status = _status_within(answer, said)
    if status < 300:
        return None
    words = redact(_words(answer, said, redact))
    message = f"{answer.where} answered {status}: {words}"
    context = {"status": status, "request_id": answer.request_id(), "url": answer.where}
    context = {key: value for key, value in context.items() if value is not None}
    if status == 429:
        return RateLimitError(
            f"{message}. FINRA asks to slow down; lower max_concurrency or the request rate of the connection",
            retry_after=ASK_AGAIN_AFTER if asked is None else asked,
            context=context,
        )
    if status in (401, 403):
        return PermissionDenied(f"{message}. {_way_in(status)}", context=context)
    if status >= 500 or status in _WORTH_REPEATING:
        return TransientError(f"{message}. Usually gone after a while; try again", retry_after=asked, context=context)
    return SourceError(f"{message}. {_way_out(status)}", context=context)


def unusable(answer: Answer, expected: str, redact: Redactor) -> SourceError:
    """An answer of 200 that is not what was asked for."""
    return SourceError(
        f"{answer.where} answered {answer.status} with {answer.content_type or 'no content type'} where {expected} was "
        f"expected; it begins with '{redact.opening(answer.body)}'. Check the base URL, and any proxy on the way",
        context={"status": answer.status, "request_id": answer.request_id()},
    )


def _status_within(answer: Answer, said: Mapping[str, Any]) -> int:
    """Some datasets answer 200 with a body that says 500."""
    inner = str(said.get("statusCode", ""))
    told = int(inner) if inner.isascii() and inner.isdigit() and len(inner) == 3 else 0
    return told if answer.status < 300 <= told else answer.status


def _words(answer: Answer, said: Mapping[str, Any], redact: Redactor) -> str:
    told = [str(said[key]) for key in ("message", "statusDescription", "error_description", "error") if said.get(key)]
    if told:
        return told[0][:1000]
    if answer.empty:
        return "nothing more"
    return f"{answer.content_type or 'no content type'}, '{redact.opening(answer.body)}'"


def _way_in(status: int) -> str:
    if status == 401:
        return (
            "The credentials are missing, wrong or expired (secrets live one year): "
            f"check login and password of the connection against {_CONSOLE}"
        )
    return (
        f"The dataset is not open to these credentials or this address: check them in {_CONSOLE}; "
        "mock and test credentials open mock datasets only"
    )


def _way_out(status: int) -> str:
    match status:
        case 400:
            return "Correct the names of fields and the filters; the dataset's metadata lists them"
        case 404:
            return "Check the names of group and dataset, and the base URL"
        case _ if status < 400:
            return "Set the base URL to where it redirects"
        case _:
            return "Check the base URL, and any proxy on the way"
