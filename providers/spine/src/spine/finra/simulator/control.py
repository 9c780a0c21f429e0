"""``/_simulator/...``: how a test, or a person with curl, moves the clock, arms faults and reads what was asked."""

from __future__ import annotations

import datetime as dt
from typing import Any

from spine.core.errors import ValidationError
from spine.finra.simulator.clock import SimulatorClock
from spine.finra.simulator.faults import Fault, FaultBoard
from spine.finra.simulator.journal import Journal
from spine.finra.simulator.messages import Answer, Refusal, Request, json_answer

CONTROL_PATH = "/_simulator/"


class Control:
    def __init__(self, clock: SimulatorClock, faults: FaultBoard, journal: Journal) -> None:
        self._clock = clock
        self._faults = faults
        self._journal = journal

    def handle(self, request: Request) -> Answer:
        """
        ``GET|POST|DELETE faults`` (POST takes one fault or a list), ``GET|POST clock`` (POST takes ``now`` or
        ``advance_seconds``), ``GET|DELETE log``.
        """
        room = request.path.removeprefix(CONTROL_PATH)
        try:
            if room == "faults":
                return json_answer(self._on_faults(request))
            if room == "clock":
                return json_answer(self._on_clock(request))
            if room == "log":
                return json_answer(self._on_log(request))
        except ValidationError as error:
            return Refusal(400, error.message).answer("")
        except Refusal as refusal:
            return refusal.answer("")
        return Refusal(404, f"No {room!r} here; there are faults, clock and log").answer("")

    def _on_faults(self, request: Request) -> list[dict[str, Any]]:
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            for fault in [Fault.from_mapping(each) for each in request.json_objects()]:
                self._faults.add(fault)
        return [fault.to_dict() for fault in self._faults.armed]

    def _on_clock(self, request: Request) -> dict[str, str]:
        if request.method == "POST":
            said = request.json_object()
            if "now" in said:
                self._clock.move_to(parse_instant(said["now"]))
            self._clock.advance(dt.timedelta(seconds=_seconds(said.get("advance_seconds", 0))))
        return {"now": self._clock.now().isoformat()}

    def _on_log(self, request: Request) -> list[dict[str, Any]]:
        if request.method == "DELETE":
            self._journal.clear()
        return self._journal.to_list()


def parse_instant(text: object) -> dt.datetime:
    """An ISO date or time; without a zone it is UTC.

    :raises ValidationError: it is neither.
    """
    try:
        instant = dt.datetime.fromisoformat(str(text))
    except ValueError:
        raise ValidationError(f"{text!r} is not an instant; expected 2026-05-15 or 2026-05-15T12:00:00+00:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)


def _seconds(given: object) -> float:
    try:
        return float(str(given))
    except ValueError:
        raise ValidationError(f"advance_seconds {given!r} is not a number") from None
