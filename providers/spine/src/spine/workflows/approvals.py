"""What a person's answer does to a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spine.core.errors import ConfigurationError, ValidationError
from spine.core.results import StepResult
from spine.workflows.model import Approval, Decision, OnReject, Step

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext


def settle_approval(step: Step, approval: Approval, decision: Decision | None, by: str = "") -> StepResult:
    """The receipt of an answer; without one the default counts.

    :raises ValidationError: it was rejected, and that is a failure.
    :raises ConfigurationError: nobody answered, and there is no default.
    """
    taken = decision or approval.default
    if taken is None:
        raise ConfigurationError(
            f"nobody answered '{approval.subject}', and step '{step.name}' has no default; "
            "run it in Airflow, or give it 'default: approve' or 'default: reject'"
        )
    who = by or ("a person" if decision else "its default")
    if taken is Decision.APPROVE:
        return StepResult.done(f"approved by {who}", approved=True, by=who)
    if approval.on_reject is OnReject.FAIL:
        raise ValidationError(f"'{approval.subject}' was rejected by {who}")
    return StepResult.skipped(f"rejected by {who}; what follows is skipped", approved=False, by=who)


def keep_answer(context: StepContext, subject: str, decision: Decision, by: str) -> None:
    """Put a person's answer into the audit trail of the capture that the steps before tell of; without one it is about none."""
    from spine.quality.decisions import record_answer

    captures = [str(receipt["capture_id"]) for receipt in context.outputs.values() if receipt.get("capture_id")]
    for capture_id in dict.fromkeys(captures):
        record_answer(
            context.storage, capture_id, approved=decision is Decision.APPROVE, by=by or "a person", subject=subject,
            run_id=context.run_id, now=context.clock(),
        )  # fmt: skip
