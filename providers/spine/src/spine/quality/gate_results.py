"""What a gate said of a capture, and how it is kept: as rows of core_quality, and as alerts."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from spine.alerts.model import Alert, AlertSeverity, AlertState
from spine.alerts.outbox import firing, raise_alert
from spine.core.errors import ErrorCategory
from spine.pipelines.context import StepContext
from spine.quality.anomalies import observe
from spine.quality.assessment.issues import Check, Issue
from spine.quality.decisions import Decision
from spine.quality.suites import Rule, Suite
from spine.storage.ledger import Capture

if TYPE_CHECKING:
    from spine.quality.gx.judging import Judgement, Verdict
    from spine.storage.base import Session, Storage


class Status(StrEnum):
    """What became of a rule, as core_quality keeps it. APPROVED: it would have held, and a person let it pass."""

    PASS = "PASS"
    WARN = "WARN"
    QUARANTINE = "QUARANTINE"
    HOLD = "HOLD"
    FAIL = "FAIL"
    APPROVED = "APPROVED"


CLOSED = (Status.HOLD, Status.FAIL)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's verdict and what it did."""

    verdict: Verdict
    status: Status

    @property
    def rule(self) -> Rule:
        return self.verdict.rule

    @property
    def message(self) -> str:
        found = self.verdict.error or f"{self.verdict.observed}; expected {self.verdict.expected}"
        return f"{self.rule.name}: {found}"


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate said of a capture.

    :param approval: the decision of a person that opened it.
    """

    suite: Suite
    capture: Capture
    results: tuple[RuleResult, ...]
    approval: Decision | None = None
    judgement: Judgement | None = field(default=None, repr=False)

    def of(self, *statuses: Status) -> list[RuleResult]:
        return [each for each in self.results if each.status in statuses]

    @property
    def closed(self) -> bool:
        return bool(self.of(*CLOSED))

    def receipt(self) -> dict[str, Any]:
        capture = self.capture
        return {
            "capture_id": capture.capture_id,
            "tier": str(capture.partition.tier),
            "week_ending": capture.partition.week_ending.isoformat(),
            "suite": self.suite.name,
            "rules": len(self.results),
            "passed": len(self.of(Status.PASS)),
            "warnings": [each.message for each in self.of(Status.WARN)],
            "quarantined": sum(each.verdict.affected for each in self.of(Status.QUARANTINE)),
            "held": [each.message for each in self.of(*CLOSED)],
        }


def raise_alerts(session: Session, context: StepContext, result: GateResult) -> None:
    """One for each rule that does not hold, and a RESOLVED for each that does again."""
    capture = result.capture
    now = context.clock()
    source = f"gate:{result.suite.name}"
    week = capture.partition.week_ending
    tier, series = str(capture.partition.tier), capture.summary_type
    was_firing = firing(session, source, capture.partition.dataset, tier, week, series)
    for each in result.results:
        alert = _alert(context, result, each, source)
        if each.status not in (Status.PASS, Status.APPROVED):
            raise_alert(session, alert, now)
        elif alert.fingerprint in was_firing:
            raise_alert(session, replace(alert, state=AlertState.RESOLVED), now)


def _alert(context: StepContext, result: GateResult, each: RuleResult, source: str) -> Alert:
    capture = result.capture
    usual = AlertSeverity.ERROR if each.status in CLOSED else AlertSeverity.WARNING
    way_out = f"\n{each.rule.message}" if each.rule.message else ""
    return Alert(
        severity=each.rule.severity or usual,
        title=f"{each.rule.name}: {capture.partition.tier} {_DONE[each.status]}",
        message=f"{capture.partition}: {each.message}{way_out}",
        source=source,
        domain=capture.partition.dataset,
        tier=str(capture.partition.tier),
        week_ending=capture.partition.week_ending.isoformat(),
        summary_type=capture.summary_type,
        category=ErrorCategory.VALIDATION,
        workflow=context.workflow,
        capture_id=capture.capture_id,
        run_id=context.run_id,
        cause=f"gate:{each.rule.name}",
        metadata={"outcome": each.status, "observed": each.verdict.observed, "expected": each.verdict.expected},
    )


_DONE = {
    Status.PASS: "week passes",
    Status.APPROVED: "week approved",
    Status.WARN: "week is odd",
    Status.QUARANTINE: "rows set aside",
    Status.HOLD: "week held",
    Status.FAIL: "week refused",
}


_DRIFT_OF = {"ExpectUsualVenues": "usual_venues", "ExpectSteadyVenueShares": "venue_shares"}
"""What an assessment calls the same when it looks at the published week (spine.quality.assessment.drift)."""


def record_page(session: Session, context: StepContext, result: GateResult) -> None:
    """Keep Great Expectations' own page of it, packed: a few KB, read again by ``read_page``."""
    from spine.quality.gx.pages import page_of

    packed = base64.b64encode(gzip.compress(page_of(result).encode(), mtime=0)).decode()
    key = {"capture_id": result.capture.capture_id, "suite": result.suite.name}
    session.execute("DELETE FROM core_gate_pages WHERE capture_id = :capture_id AND suite = :suite", key)
    session.execute(
        "INSERT INTO core_gate_pages (capture_id, suite, execution_id, page_gzip, created_at) "
        "VALUES (:capture_id, :suite, :execution_id, :page, :now)",
        {**key, "execution_id": context.run_id, "page": packed, "now": context.clock()},
    )


def read_page(reader: Session | Storage, capture_id: str, suite: str) -> str | None:
    """The page that was kept last; None where there is none."""
    packed = reader.query(
        "SELECT page_gzip FROM core_gate_pages WHERE capture_id = :capture_id AND suite = :suite",
        {"capture_id": capture_id, "suite": suite},
    ).scalar
    return None if packed is None else gzip.decompress(base64.b64decode(packed)).decode()


def record_anomalies(session: Session, context: StepContext, result: GateResult) -> None:
    """One for each rule that does not hold; those of the suite's rules that hold again, or that a person let pass, are gone."""
    partition = result.capture.partition
    broken = [each for each in result.results if each.status not in (Status.PASS, Status.APPROVED)]
    asked = {_check_of(result, each) for each in result.results}
    observe(
        session,
        partition.dataset,
        [_issue(result, each) for each in broken],
        lambda row: (row["check_name"], row["about"]) in asked,
        now=context.clock(),
        run_id=context.run_id,
        of_week=(partition.tier, partition.week_ending, result.capture.summary_type),
    )


def _issue(result: GateResult, each: RuleResult) -> Issue:
    check, about = _check_of(result, each)
    return Issue(
        check=check,
        severity=AlertSeverity.ERROR if each.status in CLOSED else AlertSeverity.WARNING,
        about=about,
        message=f"{shortened(each.message)} ({each.status.lower()})",
        tier=result.capture.partition.tier,
        week_ending=result.capture.partition.week_ending,
        summary_type=result.capture.summary_type,
        capture_id=result.capture.capture_id,
        affected=each.verdict.affected,
    )


def _check_of(result: GateResult, each: RuleResult) -> tuple[Check, str]:
    if each.rule.expect == "ExpectLevelLikeHistory":
        return Check.DRIFT, str(each.rule.args_for(result.capture.partition.tier)["figure"])
    if each.rule.expect in _DRIFT_OF:
        return Check.DRIFT, _DRIFT_OF[each.rule.expect]
    return Check.GATES, f"{result.suite.stage.lower()}:{each.rule.name}"


def record_results(session: Session, context: StepContext, result: GateResult) -> None:
    """Keep every outcome as a row; a retry of the same run replaces its earlier ones."""
    capture, suite = result.capture, result.suite
    key = {"capture_id": capture.capture_id, "execution_id": context.run_id}
    session.execute(
        "DELETE FROM core_quality WHERE capture_id = :capture_id AND execution_id = :execution_id AND suite = :suite",
        {**key, "suite": suite.name},
    )
    for each in result.results:
        session.execute(_INSERT, {**key, **_row(context, capture, suite, each, context.clock())})


_COLUMNS = (
    "domain", "partition_key", "capture_id", "check_name", "category", "status", "message", "actual_value",
    "expected_value", "execution_id", "batch_id", "created_at", "suite", "rule_version", "baseline_json", "affected_rows",
)  # fmt: skip
_INSERT = f"INSERT INTO core_quality ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"


def _row(context: StepContext, capture: Capture, suite: Suite, each: RuleResult, now: dt.datetime) -> dict[str, Any]:
    baseline: Mapping[str, Any] | None = each.verdict.baseline
    return {
        "domain": capture.partition.dataset,
        "partition_key": capture.partition.key,
        "check_name": f"{suite.stage.lower()}:{each.rule.name}",
        "category": each.rule.category,
        "status": str(each.status),
        "message": shortened(each.message),
        "actual_value": shortened(each.verdict.observed),
        "expected_value": shortened(each.verdict.expected),
        "batch_id": context.params.get("batch_id"),
        "created_at": now,
        "suite": suite.name,
        "rule_version": suite.version,
        "baseline_json": None if baseline is None else dict(baseline),
        "affected_rows": each.verdict.affected,
    }


def shortened(text: str, most: int = 1000) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
