"""A gate: the rules of a suite judge a capture before readers see it, and what they say is done in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from spine.alerts.model import Alert, AlertSeverity, AlertState
from spine.alerts.outbox import firing, raise_alert
from spine.alerts.telling import deliver_soon
from spine.core.errors import ConfigurationError, ErrorCategory, ValidationError
from spine.core.results import StepResult
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.pipelines.base import current_capture, lease_key
from spine.pipelines.context import StepContext
from spine.quality.baselines import read_history
from spine.quality.decisions import Decision, valid_approval
from spine.quality.facts import read_facts
from spine.quality.quarantine import quarantine
from spine.quality.settling import void_stale_approvals
from spine.quality.suites import LINES, Outcome, Rule, Suite, load_suite
from spine.storage.leases import lease
from spine.storage.ledger import Capture, HoldKind, Stage, finished_stages, set_hold, stage_metrics
from spine.storage.sql import checked_identifier

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


_CLOSED = (Status.HOLD, Status.FAIL)


class GateClosed(ValidationError):
    """A gate did not let a capture pass: it is held, and readers do not see it."""


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
        return bool(self.of(*_CLOSED))

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
            "held": [each.message for each in self.of(*_CLOSED)],
        }


def run_gate(context: StepContext, suite_name: str, *, publish: bool = True) -> StepResult:
    """Judge the run's capture by a suite.

    :param publish: whether a capture that passes is let out of its hold; False where another gate follows.
    :raises GateClosed: a rule holds it or fails; the capture is kept, held.
    :raises ConfigurationError: no such suite, a rule that cannot be understood, or the suite's stage is not there yet.
    """
    suite = load_suite(context.settings.expectations_dir, suite_name)
    capture = current_capture(context, OTC_TRANSPARENCY)
    _require_open_to_gates(capture, suite, context.storage)
    if (known := _known(context.storage, capture, suite)) is not None:
        if publish:
            _publish(context, capture)
        return StepResult.unchanged(f"{suite.name} let {capture.capture_id} pass before", **known)
    result = judge_capture(context, capture, suite)
    _settle(context, result, publish)
    if len(result.of(Status.PASS)) < len(result.results):
        deliver_soon(context.storage, context.settings, context.connections, context.clock)
    return _told(context, result)


def judge_capture(context: StepContext, capture: Capture, suite: Suite) -> GateResult:
    """What the suite says of a capture; nothing is written."""
    from spine.quality.gx.judging import judge

    tier = capture.partition.tier
    computed = _computed_tables(context.storage, capture)
    chosen = [
        rule
        for rule in suite.rules_for(
            tier, context.settings.environment, per_venue=OTC_TRANSPARENCY.per_venue(capture.summary_type)
        )
        if rule.on == LINES or rule.on in computed
    ]
    rules = [(_placed(rule), rule.args_for(tier)) for rule in chosen]
    told = {"history": read_history(context.storage, capture), "facts": read_facts(context.storage, capture)}
    judgement = judge(context.storage, _batches(capture, rules), rules, told)
    approval = valid_approval(context.storage, capture)
    results = tuple(RuleResult(verdict, _status(verdict, approval)) for verdict in judgement.verdicts)
    return GateResult(suite, capture, results, approval, judgement)


def _computed_tables(storage: Storage, capture: Capture) -> set[str]:
    """The derived tables that the capture has rows in: a summary type without venues has not all of them."""
    metrics = stage_metrics(storage, capture.capture_id, Stage.AGGREGATED) or {}
    return set(metrics.get("tables", ()))


def _status(verdict: Verdict, approval: Decision | None) -> Status:
    if verdict.passed:
        return Status.PASS
    if verdict.error:  # what cannot be judged is not let pass
        return Status.FAIL
    if verdict.rule.outcome is Outcome.HOLD and approval is not None:
        return Status.APPROVED
    return Status(verdict.rule.outcome.upper())


_KEPT_LINES = "kept_lines"


def _placed(rule: Rule) -> Rule:
    """Rules that compare with other weeks see neither lines that another rule sets aside nor impossible ones, which
    normalizing refuses: one absurd row must not hold a week."""
    sees_what_is_kept = rule.on == LINES and rule.category != "INTEGRITY"
    return replace(rule, on=_KEPT_LINES) if sees_what_is_kept else rule


def _batches(capture: Capture, rules: Sequence[tuple[Rule, Mapping[str, Any]]]) -> dict[str, str]:
    """A SELECT for each kind of rows; the values in it are the ledger's own, the conditions the suite's."""
    aside = [str(args["condition"]) for rule, args in rules if rule.outcome is Outcome.QUARANTINE]
    lines = (
        f"SELECT * FROM {OTC_TRANSPARENCY.lines_table} "
        f"WHERE capture_no = {int(capture.capture_no)} AND reason_code IS NULL"
    )
    kept = "".join(f" AND CASE WHEN {condition} THEN 1 ELSE 0 END = 0" for condition in aside)
    known = {LINES: lines, _KEPT_LINES: f"{lines} AND total_shares > 0 AND total_trades > 0{kept}"}
    quoted = capture.capture_id.replace("'", "''")
    return {
        on: known[on]
        if on in known
        else f"SELECT * FROM {checked_identifier(f'{OTC_TRANSPARENCY.sql_folder}_{on}')} WHERE capture_id = '{quoted}'"
        for on in dict.fromkeys(rule.on for rule, _ in rules)
    }


def _require_open_to_gates(capture: Capture, suite: Suite, storage: Storage) -> None:
    if suite.dataset != capture.partition.dataset:
        raise ConfigurationError(
            f"suite {suite.name} judges {suite.dataset}, and {capture.capture_id} is of another dataset"
        )
    if suite.stage not in finished_stages(storage, capture.capture_id):
        raise ConfigurationError(
            f"{capture.capture_id} is not {suite.stage} yet, and suite {suite.name} judges that stage"
        )
    if capture.hold_kind == HoldKind.PERSON:
        raise GateClosed(
            f"{capture.capture_id} is held by a person: {capture.hold_reason}; "
            f"`airflow spine quality approve {capture.capture_id}` lets it pass",
            context={"capture_id": capture.capture_id},
        )


def _known(storage: Storage, capture: Capture, suite: Suite) -> dict[str, Any] | None:
    """The receipt of an earlier gate of the same suite that let this capture pass; None where there was none."""
    if capture.hold_kind in (HoldKind.GATE, HoldKind.FAILED):
        return None
    found = storage.query(
        "SELECT status, COUNT(*) AS row_count FROM core_quality WHERE capture_id = :capture_id AND suite = :suite "
        "AND rule_version = :version GROUP BY status",
        {"capture_id": capture.capture_id, "suite": suite.name, "version": suite.version},
    )
    counts = {row["status"]: int(row["row_count"]) for row in found}
    if not counts or any(str(status) in counts for status in _CLOSED):
        return None
    return {"capture_id": capture.capture_id, "suite": suite.name, "rules": sum(counts.values())}


def _settle(context: StepContext, result: GateResult, publish: bool) -> None:
    """Record the outcomes and do what they say, all or nothing, as long as the partition is this run's."""
    capture = result.capture
    with (
        lease(context.storage, lease_key(capture.partition), context.run_id, clock=context.clock) as held,
        context.storage.transaction() as session,
    ):
        record_results(session, context, result)
        if result.suite.stage is Stage.INGESTED:
            _quarantine(session, context, result)
        _hold_or_release(session, result, publish)
        _raise_alerts(session, context, result)
        if result.closed:
            void_stale_approvals(session, capture, context.clock())
        held.confirm(session)


def _quarantine(session: Session, context: StepContext, result: GateResult) -> None:
    if result.closed:
        return
    for each in result.of(Status.QUARANTINE):
        condition = str(each.rule.args_for(result.capture.partition.tier)["condition"])
        quarantine(session, result.capture, each.rule.reason_code, condition, each.rule.message, context.stamp())


def _hold_or_release(session: Session, result: GateResult, publish: bool) -> None:
    capture = result.capture
    if result.closed:
        failed = result.of(Status.FAIL)
        reason = "; ".join(each.message for each in result.of(*_CLOSED))
        set_hold(session, capture.capture_id, _shortened(reason), HoldKind.FAILED if failed else HoldKind.GATE)
    elif capture.hold_kind is None:
        return
    elif publish:
        set_hold(session, capture.capture_id, None)
    else:
        set_hold(session, capture.capture_id, f"staged: {result.suite.name} let it pass", HoldKind.STAGED)


def _publish(context: StepContext, capture: Capture) -> None:
    if capture.hold_kind == HoldKind.STAGED:
        set_hold(context.storage, capture.capture_id, None)


def _raise_alerts(session: Session, context: StepContext, result: GateResult) -> None:
    """One for each rule that does not hold, and a RESOLVED for each that does again."""
    capture = result.capture
    now = context.clock()
    source = f"gate:{result.suite.name}"
    week = capture.partition.week_ending
    was_firing = firing(session, source, capture.partition.dataset, str(capture.partition.tier), week)
    for each in result.results:
        alert = _alert(context, result, each, source)
        if each.status not in (Status.PASS, Status.APPROVED):
            raise_alert(session, alert, now)
        elif alert.fingerprint in was_firing:
            raise_alert(session, replace(alert, state=AlertState.RESOLVED), now)


def _alert(context: StepContext, result: GateResult, each: RuleResult, source: str) -> Alert:
    capture = result.capture
    usual = AlertSeverity.ERROR if each.status in _CLOSED else AlertSeverity.WARNING
    way_out = f"\n{each.rule.message}" if each.rule.message else ""
    return Alert(
        severity=each.rule.severity or usual,
        title=f"{each.rule.name}: {capture.partition.tier} {_DONE[each.status]}",
        message=f"{capture.partition}: {each.message}{way_out}",
        source=source,
        domain=capture.partition.dataset,
        tier=str(capture.partition.tier),
        week_ending=capture.partition.week_ending.isoformat(),
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
        "message": _shortened(each.message),
        "actual_value": _shortened(each.verdict.observed),
        "expected_value": _shortened(each.verdict.expected),
        "batch_id": context.params.get("batch_id"),
        "created_at": now,
        "suite": suite.name,
        "rule_version": suite.version,
        "baseline_json": None if baseline is None else dict(baseline),
        "affected_rows": each.verdict.affected,
    }


def _told(context: StepContext, result: GateResult) -> StepResult:
    """The receipt of a gate that is open. :raises GateClosed: it is not."""
    receipt = result.receipt()
    for each in result.of(Status.WARN, Status.QUARANTINE, Status.APPROVED):
        context.log.warning("%s: %s", each.status, each.message)
    if result.closed:
        capture_id = result.capture.capture_id
        way_out = (
            "only other content or other rules let it pass"
            if result.of(Status.FAIL)
            else f"`airflow spine quality approve {capture_id} --reason ...` lets it pass, then run again"
        )
        messages = "; ".join(_messages(result.of(*_CLOSED)))
        raise GateClosed(f"{capture_id} is held by {result.suite.name}: {messages}. {way_out}", context=receipt)
    said = f"{receipt['passed']} of {receipt['rules']} rules hold"
    if result.approval is not None and result.of(Status.APPROVED):
        said += f", approved by {result.approval.by}"
    return StepResult.done("; ".join([said, *receipt["warnings"]]), **receipt)


def _messages(results: Sequence[RuleResult]) -> list[str]:
    return [f"{each.message} ({each.rule.message})" if each.rule.message else each.message for each in results]


def _shortened(text: str, most: int = 1000) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
