"""Tell people that a run is through, and what a workflow has to say meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from spine.alerts.config import NOTIFY
from spine.alerts.model import Alert
from spine.core.results import StepResult, gives
from spine.pipelines.context import StepContext

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.pipelines.connections import Connections
    from spine.storage.base import Storage


class Notifier(Protocol):
    """Where messages go; the Airflow side gives one that raises them in the outbox, tests their own."""

    def send(self, text: str, *, channel: str | None) -> bool:
        """Deliver; False when nobody is configured to listen."""


@dataclass(frozen=True, slots=True)
class OutboxNotifier:
    """Messages as alerts that nobody has to act on.

    :param about: the run and the step; its title is that of messages.
    """

    about: Alert
    storage: Storage
    settings: Settings
    connections: Connections
    clock: Callable[[], dt.datetime]

    def send(self, text: str, *, channel: str | None) -> bool:
        from spine.alerts.telling import tell

        metadata = {**self.about.metadata, **({NOTIFY: channel} if channel else {})}
        alert = replace(self.about, message=text, metadata=metadata)
        return tell(alert, self.storage, self.settings, self.connections, self.clock)


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
