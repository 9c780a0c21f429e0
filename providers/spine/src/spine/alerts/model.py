"""What an alert is. One model for every channel; nothing here sends, stores or routes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from spine.core.errors import ErrorCategory, SpineError


class AlertSeverity(StrEnum):
    """How bad it is, in ascending order."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        return list(AlertSeverity).index(self)


class AlertState(StrEnum):
    """Whether something is wrong, or no longer is. Nothing that is merely told (INFO) is ever resolved."""

    FIRING = "FIRING"
    RESOLVED = "RESOLVED"


SEVERITY_OF: Mapping[ErrorCategory, AlertSeverity] = {
    ErrorCategory.INTERNAL: AlertSeverity.CRITICAL,
    ErrorCategory.CONFIGURATION: AlertSeverity.ERROR,
    ErrorCategory.VALIDATION: AlertSeverity.WARNING,
    ErrorCategory.SOURCE: AlertSeverity.ERROR,
    ErrorCategory.TRANSFORM: AlertSeverity.ERROR,
    ErrorCategory.LOAD: AlertSeverity.ERROR,
    ErrorCategory.PERMISSION: AlertSeverity.ERROR,
    ErrorCategory.TRANSIENT: AlertSeverity.WARNING,
    ErrorCategory.DEPENDENCY: AlertSeverity.ERROR,
    ErrorCategory.TIMEOUT: AlertSeverity.WARNING,
    ErrorCategory.RATE_LIMIT: AlertSeverity.INFO,
    ErrorCategory.RESOURCE: AlertSeverity.CRITICAL,
}
"""The original platform's table: which severity an error of a category has unless its raiser knows better."""

_PLACE = ("workflow", "step", "capture_id", "run_id", "tier", "summary_type")


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person should hear of.

    :param title: one line without numbers that change, because equal titles are one thing that happened often.
    :param message: what was seen and the way out; may be several lines. Never a row's values, never a secret.
    :param source: what raised it: a workflow, a gate, a channel, ``doctor`` ...
    :param domain: the dataset, ``finra.otc_transparency``; routes match on it with trailing ``*``.
    :param tier: canonical tier, or empty.
    :param week_ending: ISO date of the week it is about, or empty.
    :param summary_type: FINRA's series it is about, or empty: the same week of another series is another thing.
    :param run_id: Airflow's run, or what the in-process runner calls one.
    :param run_url: page of the run, where one is known.
    :param cause: what it is about beside domain, tier and week, so that a later RESOLVED with the same cause ends it
        and an inhibition can name it: ``gate:row_count``, ``source_late``, ``run_failed`` ...
    :param metadata: more fields for people, in order; text values.
    """

    severity: AlertSeverity
    title: str
    message: str
    source: str
    domain: str = ""
    tier: str = ""
    week_ending: str = ""
    summary_type: str = ""
    category: ErrorCategory | None = None
    workflow: str = ""
    step: str = ""
    capture_id: str = ""
    run_id: str = ""
    run_url: str = ""
    cause: str = ""
    state: AlertState = AlertState.FIRING
    metadata: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: dt.datetime | None = None

    @property
    def fingerprint(self) -> str:
        """Equal for alerts that are the same thing again, also in another run or process; 32 hex digits.

        Severity and state are left out, so that a resolve or an escalation finds what it belongs to.
        """
        about = (
            self.source,
            self.cause or self.title,
            self.domain,
            self.tier,
            self.week_ending,
            self.summary_type,
            self.step,
        )
        return hashlib.sha256("|".join(about).encode()).hexdigest()[:32]


def alert_of(error: SpineError, *, title: str, source: str, **fields: Any) -> Alert:
    """The alert that tells of an error: severity by its category, place by its context; ``fields`` lie over both."""
    told = error.to_dict()  # without secrets
    known = dict(told["context"])
    place = {name: known.pop(name) for name in _PLACE if name in known}
    values: dict[str, Any] = {
        "severity": SEVERITY_OF[error.category],
        "message": told["message"],
        "category": error.category,
        "metadata": {"retryable": str(error.retryable).lower(), **known},
    }
    return Alert(title=title, source=source, **{**values, **place, **fields})
