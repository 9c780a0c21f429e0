"""A gate: the rules of a suite judge a capture before readers see it, and what they say is done in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spine.alerts.telling import deliver_soon
from spine.core.errors import ConfigurationError, ValidationError
from spine.core.results import StepResult
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.pipelines.base import current_capture, lease_key
from spine.pipelines.context import StepContext
from spine.quality.baselines import read_history
from spine.quality.certifications import HELD, SUPERSEDED, end_certifications
from spine.quality.decisions import Decision, valid_approval
from spine.quality.facts import read_facts
from spine.quality.gate_results import (
    CLOSED,
    GateResult,
    RuleResult,
    Status,
    raise_alerts,
    record_anomalies,
    record_page,
    record_results,
    shortened,
)
from spine.quality.quarantine import quarantine
from spine.quality.settling import void_stale_approvals
from spine.quality.suites import LINES, Outcome, Rule, Suite, load_suite
from spine.storage.leases import lease
from spine.storage.ledger import Capture, HoldKind, Stage, finished_stages, set_hold, stage_metrics
from spine.storage.sql import checked_identifier

if TYPE_CHECKING:
    from spine.quality.gx.judging import Verdict
    from spine.storage.base import Session, Storage


class GateClosed(ValidationError):
    """A gate did not let a capture pass: it is held, and readers do not see it."""


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
    if not counts or any(str(status) in counts for status in CLOSED):
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
        _hold_or_release(session, context, result, publish)
        raise_alerts(session, context, result)
        record_anomalies(session, context, result)
        record_page(session, context, result)
        if result.closed:
            void_stale_approvals(session, capture, context.clock())
        held.confirm(session)


def _quarantine(session: Session, context: StepContext, result: GateResult) -> None:
    if result.closed:
        return
    for each in result.of(Status.QUARANTINE):
        condition = str(each.rule.args_for(result.capture.partition.tier)["condition"])
        quarantine(session, result.capture, each.rule.reason_code, condition, each.rule.message, context.stamp())


def _hold_or_release(session: Session, context: StepContext, result: GateResult, publish: bool) -> None:
    capture = result.capture
    if result.closed:
        failed = result.of(Status.FAIL)
        reason = "; ".join(each.message for each in result.of(*CLOSED))
        set_hold(session, capture.capture_id, shortened(reason), HoldKind.FAILED if failed else HoldKind.GATE)
        end_certifications(session, capture, context.clock(), why=HELD, run_id=context.run_id)
    elif capture.hold_kind is None:
        return
    elif publish:
        _show(session, context, capture)
    else:
        set_hold(session, capture.capture_id, f"staged: {result.suite.name} let it pass", HoldKind.STAGED)


def _publish(context: StepContext, capture: Capture) -> None:
    if capture.hold_kind == HoldKind.STAGED:
        with context.storage.transaction() as session:
            _show(session, context, capture)


def _show(session: Session, context: StepContext, capture: Capture) -> None:
    """Readers see it from here on, and no longer the one before."""
    set_hold(session, capture.capture_id, None)
    end_certifications(session, capture, context.clock(), why=SUPERSEDED, run_id=context.run_id)


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
        messages = "; ".join(_messages(result.of(*CLOSED)))
        raise GateClosed(f"{capture_id} is held by {result.suite.name}: {messages}. {way_out}", context=receipt)
    said = f"{receipt['passed']} of {receipt['rules']} rules hold"
    if result.approval is not None and result.of(Status.APPROVED):
        said += f", approved by {result.approval.by}"
    return StepResult.done("; ".join([said, *receipt["warnings"]]), **receipt)


def _messages(results: Sequence[RuleResult]) -> list[str]:
    return [f"{each.message} ({each.rule.message})" if each.rule.message else each.message for each in results]
