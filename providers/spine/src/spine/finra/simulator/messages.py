"""What goes in and out: a request as far as it matters here, an answer, and an answer that refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from spine.finra.simulator.faults import Fault

JSON = "application/json"
TEXT = "text/plain"
HTML = "text/html"
XML = "application/xml"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """``headers`` have lower-case names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def bearer(self) -> str | None:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else None

    def json_object(self) -> dict[str, Any]:
        """
        :raises Refusal: 400, the body is no JSON object.
        """
        value = self._json()
        if not isinstance(value, dict):
            raise Refusal(400, "Request body is not a JSON object")
        return value

    def json_objects(self) -> list[dict[str, Any]]:
        """One object or a list of them.

        :raises Refusal: 400, the body is neither.
        """
        value = self._json()
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in listed):
            raise Refusal(400, "Request body is neither a JSON object nor a list of them")
        return listed

    def _json(self) -> Any:
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Answer:
    """
    :param rows: how many are in the body, for the log.
    :param fault: what the request was hit by; the delivery looks for faults of the body.
    """

    status: int
    content_type: str = ""
    body: bytes = b""
    headers: Headers = ()
    rows: int | None = None
    fault: Fault | None = None


class Refusal(Exception):
    """A request that FINRA answers with an error."""

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers

    def answer(self, request_id: str) -> Answer:
        """Errors are JSON whatever the request accepts."""
        shown = {
            "statusCode": self.status,
            "statusDescription": HTTPStatus(self.status).phrase,
            "requestId": request_id,
            "message": self.message,
        }
        return json_answer(shown, self.status, self.headers)


def json_answer(value: Any, status: int = 200, headers: Headers = ()) -> Answer:
    return Answer(status, JSON, json.dumps(value).encode(), headers)
