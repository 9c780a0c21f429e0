"""What is written down when a step ended for good, whoever ran it: dead letters and notices that a step did with less.

The in-process runner and the Airflow operators both call these two, and nothing else of ``spine.resilience``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spine.core.errors import ErrorCategory, PartialFailure, SpineError, as_spine_error
from spine.core.results import StepResult, StepStatus
from spine.workflows.model import StepType

if TYPE_CHECKING:
    from spine.pipelines.context import StepContext
    from spine.workflows.model import Step

_NO_WORK = (StepType.WAIT, StepType.APPROVAL)
LETTER = "dead_letter"
"""In an error's context: the letter that holds its work already."""
FALLBACK_FROM, FALLBACK_REASON = "fallback_from", "fallback_reason"
"""In a receipt: the source that was asked first, and why another one was used."""


def failed_for_good(step: Step, name: str, error: SpineError, context: StepContext) -> None:
    """The step failed, no attempt is left and nobody passes over it: its work becomes a dead letter.

    A step that holds others failed because one of them did, and that one has its letter. Where time or a person did not
    come there is no work to do again, and a gate that closed has told a person by itself.

    :param name: of the step, with the maps and items that lead to it.
    """
    from spine.alerts.telling import deliver_soon
    from spine.resilience.dead_letters import record_failure
    from spine.resilience.work import failed_step

    if isinstance(error, PartialFailure) or LETTER in error.context or step.type in _NO_WORK:
        return
    if step.type is StepType.GATE and error.category is ErrorCategory.VALIDATION:
        return
    with _never_in_the_way(context.log, f"the failure of step {name}"):
        work = failed_step(context.workflow, name, context.params, error, context.domain)
        letter = record_failure(context.storage, work, error, now=context.clock(), run_id=context.run_id)
        error.with_context(**{LETTER: letter.dlq_id})
        deliver_soon(context.storage, context.settings, context.connections, context.clock)


def ended_well(step: str, result: StepResult, context: StepContext) -> None:
    """The step did its work: dead letters of the same work are resolved, and people are told if it did with less."""
    if result.status is StepStatus.CONTINUED or result.status is StepStatus.SKIPPED:
        return
    with _never_in_the_way(context.log, f"the success of step {step}"):
        _resolve_letters(step, result.output, context)
        if FALLBACK_FROM in result.output:
            _tell_of_fallback(step, result, context)
        elif "source" in result.output:
            _end_fallback(step, result, context)


def _resolve_letters(step: str, output: Mapping[str, Any], context: StepContext) -> None:
    from spine.resilience.dead_letters import resolve_all
    from spine.resilience.work import ids_of_step

    ids = ids_of_step(context.workflow, step, context.params, output)
    reason = f"done by run {context.run_id}"
    resolve_all(context.storage, ids, by=context.run_id, reason=reason, now=context.clock())


def _tell_of_fallback(step: str, result: StepResult, context: StepContext) -> None:
    from spine.alerts.model import Alert, AlertSeverity
    from spine.alerts.outbox import raise_alert

    output = result.output
    alert = Alert(
        severity=AlertSeverity.WARNING,
        title=f"{context.workflow} did without {output[FALLBACK_FROM]}",
        message=f"{output.get(FALLBACK_REASON, '')}\nIt used {output.get('source_name') or output.get('source')} instead.",
        source=context.workflow,
        domain=context.domain,
        tier=str(output.get("tier") or ""),
        week_ending=str(output.get("week_ending") or ""),
        summary_type=_series(context),
        workflow=context.workflow,
        step=step,
        capture_id=str(output.get("capture_id") or ""),
        run_id=context.run_id,
        cause=f"fallback:{output[FALLBACK_FROM]}",
    )
    raise_alert(context.storage, alert, context.clock())


def _end_fallback(step: str, result: StepResult, context: StepContext) -> None:
    """The source that was asked for is back: what was said of earlier weeks of the tier is over."""
    from spine.alerts.outbox import end_alerts
    from spine.alerts.stored import NOT_RESOLVED, alert_from

    rows = context.storage.query(
        "SELECT a.* FROM core_alerts a WHERE a.source = :source AND a.tier = :tier AND a.step = :step "
        f"AND a.summary_type = :summary_type AND a.state = 'FIRING' AND a.cause LIKE 'fallback:%' AND {NOT_RESOLVED}",
        {
            "source": context.workflow,
            "tier": str(result.output.get("tier") or ""),
            "step": step,
            "summary_type": _series(context),
        },
    )
    end_alerts(context.storage, map(alert_from, rows), context.clock(), run_id=context.run_id)


def _series(context: StepContext) -> str:
    return str(context.params.get("summary_type") or "")


@contextmanager
def _never_in_the_way(log: logging.Logger, what: str) -> Iterator[None]:
    """The outcome itself counts more than its record."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever keeps it from being written
        log.warning("%s could not be written down: %s", what, as_spine_error(error))
