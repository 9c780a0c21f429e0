"""FINRA's API as a function: a request in, an answer out."""

from __future__ import annotations

import re
import threading
import uuid
from dataclasses import replace

from spine.finra.simulator.access import Access, RateLimit
from spine.finra.simulator.clock import SimulatorClock
from spine.finra.simulator.control import CONTROL_PATH, Control
from spine.finra.simulator.endpoints import TOKEN_PATH, Endpoints, Handler
from spine.finra.simulator.fault_answers import answer_of
from spine.finra.simulator.faults import ANY_REQUEST_FAULTS, TOKEN_FAULTS, FaultBoard
from spine.finra.simulator.journal import Journal
from spine.finra.simulator.messages import Answer, Refusal, Request
from spine.finra.simulator.options import SimulatorOptions
from spine.finra.simulator.records import spelled

_REQUEST_NUMBERS = uuid.UUID("6f1f2c0e-5d3b-5a44-9c1b-2a1f1d9b7c10")


class Service:
    """Everything a simulator knows. Requests are answered one at a time, whatever thread they come from."""

    def __init__(self, options: SimulatorOptions, base_url: str) -> None:
        self.clock = SimulatorClock(options.now)
        self.faults = FaultBoard(options.faults)
        self.journal = Journal()
        self._header_style = options.header_style
        self._access = Access(options, self.clock)
        self._rate_limit = RateLimit(options.requests_per_minute)
        self._control = Control(self.clock, self.faults, self.journal)
        endpoints = Endpoints(options, self.clock, self.faults, self._access, base_url)
        self._routes = [(re.compile(path), handlers) for path, handlers in endpoints.routes().items()]
        self._count = 0
        self._one_at_a_time = threading.Lock()

    def handle(self, request: Request) -> Answer:
        with self._one_at_a_time:
            if request.path.startswith(CONTROL_PATH):
                return self._control.handle(request)
            self._count += 1
            request_id = str(uuid.uuid5(_REQUEST_NUMBERS, str(self._count)))
            answer = self._answer(request, request_id)
            self.journal.add(request, answer)
            named = spelled((("FINRA-api-request-id", request_id),), self._header_style)
            return replace(answer, headers=(*answer.headers, *named))

    def _answer(self, request: Request, request_id: str) -> Answer:
        fault = self.faults.take(request.label, ANY_REQUEST_FAULTS)
        replaced = answer_of(fault, request_id) if fault else None
        if replaced is not None:
            return replaced
        try:
            answer = self._served(request, request_id)
        except Refusal as refusal:
            answer = refusal.answer(request_id)
        return replace(answer, fault=fault) if fault else answer

    def _served(self, request: Request, request_id: str) -> Answer:
        if request.path != TOKEN_PATH:
            self._rate_limit.check()
        if request.bearer and self.faults.take(request.label, TOKEN_FAULTS):
            self._access.revoke_tokens()
        handler, names = self._route(request)
        return handler(request, request_id, names)

    def _route(self, request: Request) -> tuple[Handler, dict[str, str]]:
        for path, handlers in self._routes:
            if found := path.fullmatch(request.path):
                if request.method not in handlers:
                    raise Refusal(405, f"{request.method} is not allowed here", (("Allow", ", ".join(handlers)),))
                return handlers[request.method], found.groupdict()
        raise Refusal(404, f"No resource {request.path}")
