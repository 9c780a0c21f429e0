"""Tell people that a run is through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from spine.core.results import StepResult, gives
from spine.pipelines.context import StepContext


class Notifier(Protocol):
    """Where messages go; the Airflow side gives one that posts to Slack, tests and the command line their own."""

    def send(self, text: str, *, channel: str | None) -> bool:
        """Deliver; False when nobody is configured to listen."""


@gives(sent="boolean", text="string")
def notify_completion(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """Send a summary of the steps so far. Config: ``channel``. Output: ``sent``, ``text``."""
    return send(context, summarize(context), config.get("channel"))


def send(context: StepContext, text: str, channel: str | None) -> StepResult:
    """Send a message, and log it in any case. Output: ``sent``, ``text``."""
    context.log.info("%s", text)
    sent = bool(context.notifier and context.notifier.send(text, channel=channel))
    return StepResult.done("sent" if sent else "logged only: nobody is configured to listen", sent=sent, text=text)


def summarize(context: StepContext) -> str:
    """One line for the run and one for each step that said something."""
    lines = [f"{context.workflow} {context.run_id}"]
    lines += [f"- {name}: {receipt['message']}" for name, receipt in context.outputs.items() if receipt.get("message")]
    return "\n".join(lines)
