"""``airflow spine quality``: what gates said, what people decided, and which weeks may be relied on."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from airflow.cli.simple_table import AirflowConsole

from spine.cli.session import spine_session
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending
from spine.pipelines.context import utc_now


def results(args: Namespace) -> None:
    """Outcomes of rules, the newest first."""
    from spine.quality.gate_history import AskedResults, read_results

    with spine_session() as (_, storage):
        asked = AskedResults(
            tier=str(Tier.parse(args.tier)) if args.tier else "",
            week_ending=parse_week_ending(args.week_ending) if args.week_ending else None,
            failed_only=not args.all,
        )
        found = read_results(storage, asked, args.limit)
    names = (
        "week_ending", "tier", "check_name", "status", "actual_value", "expected_value", "affected_rows", "rule_version",
        "capture_id", "created_at",
    )  # fmt: skip
    _print([{name: row[name] for name in names} for row in found], args.output, "outcomes")


def anomalies(args: Namespace) -> None:
    """What is not as it should be, the worst first."""
    from spine.quality.anomalies import read_anomalies

    with spine_session() as (_, storage):
        tier = str(Tier.parse(args.tier)) if args.tier else ""
        week = parse_week_ending(args.week_ending) if args.week_ending else None
        found = read_anomalies(storage, unsettled=not args.all, tier=tier, week_ending=week, limit=args.limit)
    _print(found, args.output, "anomalies")


def acknowledge(args: Namespace) -> None:
    """Say that somebody looks into an anomaly."""
    from spine.quality import anomalies as known

    with spine_session() as (_, storage):
        known.acknowledge(storage, args.anomaly_id, by=args.by, note=args.note, now=utc_now())
    print(f"{args.anomaly_id} is acknowledged")


def resolve(args: Namespace) -> None:
    """Say that an anomaly is gone or may stay."""
    from spine.quality import anomalies as known

    with spine_session() as (_, storage):
        known.resolve(storage, args.anomaly_id, by=args.by, note=args.note, now=utc_now())
    print(f"{args.anomaly_id} is resolved")


def hold(args: Namespace) -> None:
    """Keep a capture from readers."""
    from spine.quality import settling

    with spine_session() as (_, storage):
        decision = settling.hold(storage, args.capture_id, by=args.by, reason=args.reason, clock=utc_now)
    print(f"{decision.capture_id} is held")


def approve(args: Namespace) -> None:
    """Let a held capture pass."""
    from spine.quality import settling

    with spine_session() as (_, storage):
        decision = settling.approve(storage, args.capture_id, by=args.by, reason=args.reason, clock=utc_now)
    print(f"{decision.capture_id} is approved; run its week again for what is not computed yet")


def reject(args: Namespace) -> None:
    """Refuse a capture for good."""
    from spine.quality import settling

    with spine_session() as (_, storage):
        decision = settling.reject(storage, args.capture_id, by=args.by, reason=args.reason, clock=utc_now)
    print(f"{decision.capture_id} is rejected and stays held")


def certify(args: Namespace) -> None:
    """Put on record that a week may be used for a purpose."""
    from spine.quality.readiness import certify as certify_week

    with spine_session() as (_, storage):
        tier, week = Tier.parse(args.tier), parse_week_ending(args.week_ending)
        decision = certify_week(
            storage,
            tier,
            week,
            args.purpose,
            by=args.by,
            reason=args.reason,
            now=utc_now(),
            summary_type=args.summary_type,
        )
    print(f"{decision.capture_id} is certified for {args.purpose}")


def audit(args: Namespace) -> None:
    """Every decision, the newest first."""
    wanted = {"capture_id": args.capture} if args.capture else {}
    where = "capture_id = :capture_id" if wanted else "1 = 1"
    with spine_session() as (_, storage):
        rows = storage.query(
            "SELECT decided_at, decision, purpose, tier, week_ending, decided_by, reason, capture_id, fingerprint "
            f"FROM core_decisions WHERE {where} ORDER BY decided_at DESC, decision_id {storage.dialect.limit(args.limit)}",
            wanted,
        )
        _print(list(rows), args.output, "decisions")


def readiness(args: Namespace) -> None:
    """Which weeks may be relied on; with --require, exits 1 when one of them may not."""
    from spine.quality.readiness import ReadinessState, read_readiness

    with spine_session() as (_, storage):
        tiers = (Tier.parse(args.tier),) if args.tier else tuple(Tier)
        found = read_readiness(storage, utc_now(), args.weeks, tiers, args.summary_type)
    shown = [
        {**each.to_dict(), "issues": "; ".join(each.issues), "certified_for": ", ".join(each.certified_for)}
        for each in found
    ]
    _print(shown, args.output, "weeks")
    good = (ReadinessState.CERTIFIED, ReadinessState.READY)
    if args.require and any(each.state not in good for each in found):
        raise SystemExit(1)


def lint_suites(args: Namespace) -> None:
    """Check the suites of include/expectations, each rule against Great Expectations too; exits 1 on a problem."""
    from spine.core.errors import SpineError
    from spine.quality.suites import load_suite, suite_names

    with spine_session() as (settings, _):
        faults = 0
        for name in suite_names(settings.expectations_dir):
            try:
                suite = load_suite(settings.expectations_dir, name)
                _understood(suite)
                print(f"{name}: {len(suite.rules)} rules, no problem")
            except SpineError as error:
                faults += 1
                print(error.message)
    if faults:
        raise SystemExit(1)


def _understood(suite: Any) -> None:
    from spine.quality.gx.judging import configuration

    told = {"history": {"trading_days": 5, "is_thin": False, "weeks": []}, "facts": {"parsed": 0, "refused": 0}}
    for rule in suite.rules:
        for tier in rule.tiers or tuple(Tier):
            configuration(rule, rule.args_for(tier), told)


def data_docs(args: Namespace) -> None:
    """Judge a capture again, writing nothing but Great Expectations' own page of it."""
    from spine.pipelines.context import StepContext
    from spine.quality.gate import judge_capture
    from spine.quality.gx.pages import page_of
    from spine.quality.suites import load_suite
    from spine.storage.ledger import find_capture

    with spine_session() as (settings, storage):
        capture = find_capture(storage, args.capture_id)
        if capture is None:
            raise SystemExit(f"no capture {args.capture_id!r}")
        context = StepContext(storage, settings, {})
        found = judge_capture(context, capture, load_suite(settings.expectations_dir, args.suite))
    Path(args.out).write_text(page_of(found), encoding="utf-8")
    print(args.out)


def print_suite_schema(args: Namespace) -> None:
    """A suite as JSON Schema."""
    from spine.quality.suites import suite_schema

    print(json.dumps(suite_schema(), indent=2))


def _print(rows: list[dict[str, Any]], output: str, what: str) -> None:
    AirflowConsole().print_as(data=rows or [{what: "none"}], output=output)
