"""What a step hands to the next one: a small receipt, never rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from spine.core.errors import ErrorCategory, as_spine_error


class StepStatus(StrEnum):
    """How a step ended. UNCHANGED did nothing because nothing was new; CONTINUED failed where the author allows it."""

    DONE = "done"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    CONTINUED = "failed_continue"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StepResult:
    """A receipt: status, counts and references (JSON-ready), with the error where there is one."""

    status: StepStatus
    output: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    error: Mapping[str, Any] | None = None

    @property
    def ok(self) -> bool:
        return self.status in (StepStatus.DONE, StepStatus.UNCHANGED, StepStatus.SKIPPED)

    @classmethod
    def done(cls, message: str = "", **output: Any) -> StepResult:
        return cls(StepStatus.DONE, output, message)

    @classmethod
    def unchanged(cls, message: str, **output: Any) -> StepResult:
        return cls(StepStatus.UNCHANGED, output, message)

    @classmethod
    def skipped(cls, message: str, **output: Any) -> StepResult:
        return cls(StepStatus.SKIPPED, output, message)

    @classmethod
    def failed(cls, error: BaseException, *, continued: bool = False) -> StepResult:
        """A failure as a receipt; ``continued`` when the workflow goes on in spite of it."""
        told = as_spine_error(error).to_dict()
        status = StepStatus.CONTINUED if continued else StepStatus.FAILED
        return cls(status, {}, told["message"], told)

    @property
    def category(self) -> ErrorCategory | None:
        return ErrorCategory(self.error["category"]) if self.error else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, flat: the output's keys beside ``status``, ``message`` and ``error``."""
        receipt = {**self.output, "status": str(self.status)}
        if self.message:
            receipt["message"] = self.message
        if self.error:
            receipt["error"] = dict(self.error)
        return receipt


Handler = TypeVar("Handler", bound=Callable[..., StepResult])


def gives(**outputs: str) -> Callable[[Handler], Handler]:
    """Declare what a handler's receipt holds, so that expressions over it are checked when a workflow is loaded.

    :param outputs: JSON Schema types by key, several parted by ``|``: ``@gives(rows="number", newest="string|null")``.
    """

    def mark(handler: Handler) -> Handler:
        handler.__outputs__ = outputs  # type: ignore[attr-defined]
        return handler

    return mark


def declared_outputs(handler: Callable[..., Any]) -> Mapping[str, str] | None:
    """What ``gives`` said of a handler; None where nothing was said."""
    found: Mapping[str, str] | None = getattr(handler, "__outputs__", None)
    return found
