"""What every renderer says the same way."""

from __future__ import annotations

from spine.alerts.messages import Message
from spine.alerts.model import AlertSeverity, AlertState

COLOURS = {
    AlertSeverity.CRITICAL: "#dc3545",
    AlertSeverity.ERROR: "#fd7e14",
    AlertSeverity.WARNING: "#ffc107",
    AlertSeverity.INFO: "#28a745",
}
RESOLVED_COLOUR = "#28a745"


def is_resolved(message: Message) -> bool:
    return message.state is AlertState.RESOLVED


def colour(message: Message) -> str:
    return RESOLVED_COLOUR if is_resolved(message) else COLOURS[message.severity]


def headline(message: Message) -> str:
    """``[ERROR] title``, or ``[RESOLVED] title``; in one line."""
    word = "RESOLVED" if is_resolved(message) else str(message.severity)
    return f"[{word}] {' '.join(message.title.split())}"


def how_often(message: Message) -> str:
    """How many alerts the message stands for; empty for one."""
    parts = [f"{message.count:,} times from {message.first_at} to {message.last_at}"] if message.count > 1 else []
    parts += [f"{message.suppressed:,} more were not told since the last message"] if message.suppressed else []
    return "; ".join(parts)


def plain_text(message: Message) -> str:
    """The whole message as text, for mail and logs."""
    lines = [headline(message), "", message.body]
    lines += ["", *(f"- {line}" for line in message.lines)] if message.lines else []
    lines += ["", often] if (often := how_often(message)) else []
    lines += ["", *(f"{name}: {value}" for name, value in message.fields.items())]
    lines += [f"Environment: {message.environment}", f"Source: {message.source}"]
    lines += [f"Page: {message.run_url}"] if message.run_url else []
    return "\n".join(lines)
