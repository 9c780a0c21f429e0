"""What a fault answers in FINRA's place."""

from __future__ import annotations

import email.utils
import time
from http import HTTPStatus

from spine.finra.simulator.faults import Fault, FaultKind, RetryAfter
from spine.finra.simulator.messages import HTML, Answer, Headers, Refusal

_ABSURD_WAIT = "31536000"  # a year


def answer_of(fault: Fault, request_id: str) -> Answer | None:
    """None for a fault that leaves the answer to FINRA and spoils its delivery."""
    if fault.kind is FaultKind.RATE_LIMITED:
        refusal = Refusal(429, "Too many requests", _retry_after(fault))
        return _marked(refusal.answer(request_id), fault)
    if fault.kind is FaultKind.SERVER_ERROR:
        return Answer(fault.status, HTML, _proxy_page(fault.status), fault=fault)
    if fault.kind is FaultKind.HTML_OK:
        return Answer(200, HTML, _proxy_page(200), fault=fault)
    if fault.kind is FaultKind.EMPTY_OK:
        return Answer(200, fault=fault)
    return None


def _marked(answer: Answer, fault: Fault) -> Answer:
    return Answer(answer.status, answer.content_type, answer.body, answer.headers, answer.rows, fault)


def _retry_after(fault: Fault) -> Headers:
    """In real time, which is what the client waits by."""
    said = {
        RetryAfter.SECONDS: f"{fault.seconds:g}",
        RetryAfter.DATE: email.utils.formatdate(time.time() + fault.seconds, usegmt=True),
        RetryAfter.ABSURD: _ABSURD_WAIT,
        RetryAfter.NONSENSE: "soon",
        RetryAfter.NONE: "",
    }[fault.retry_after]
    return (("Retry-After", said),) if said else ()


def _proxy_page(status: int) -> bytes:
    title = f"{status} {HTTPStatus(status).phrase}"
    body = f"<h1>{title}</h1><hr>cloudflare"
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{body}</body></html>\n".encode()
