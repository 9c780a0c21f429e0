"""The service as an ASGI application, which can also deliver badly."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from spine.finra.simulator.faults import Fault, FaultKind
from spine.finra.simulator.messages import Answer, Request
from spine.finra.simulator.service import Service

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PIECES = 10


class ConnectionCut(Exception):
    """Raised in the middle of a body: the server then closes the connection, which is what is wanted."""


class Application:
    def __init__(self, service: Service, *, compress: bool = False) -> None:
        self._service = service
        self._compress = compress

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        # In a thread: making a large partition takes a second, and slow bodies must go on meanwhile.
        answer = await asyncio.to_thread(self._service.handle, request)
        packed = self._compress and "gzip" in request.headers.get("accept-encoding", "") and answer.body
        body = gzip.compress(answer.body, 1) if packed else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": _headers(answer, body, packed)})
        await _deliver(body, answer.fault, send)


async def _read(scope: Message, receive: Receive) -> Request:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


def _headers(answer: Answer, body: bytes, packed: object) -> list[tuple[bytes, bytes]]:
    headers = list(answer.headers)
    if answer.content_type:
        headers.append(("content-type", answer.content_type))
    if packed:
        headers.append(("content-encoding", "gzip"))
    if answer.status != 204:
        headers.append(("content-length", str(len(body))))
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def _deliver(body: bytes, fault: Fault | None, send: Send) -> None:
    if fault and fault.kind is FaultKind.CUT_BODY:
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        raise ConnectionCut
    if fault and fault.kind is FaultKind.SLOW_BODY:
        size = len(body) // _PIECES + 1
        for start in range(0, len(body), size):
            await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
            await asyncio.sleep(fault.seconds / _PIECES)
        body = b""
    await send({"type": "http.response.body", "body": body})
