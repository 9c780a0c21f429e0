"""Checks that workflows run between their steps, each against the database. Outcomes are kept in core_quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spine.core.errors import ConfigurationError, ValidationError
from spine.core.results import StepResult, gives
from spine.core.weeks import window
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.pipelines.base import current_capture
from spine.pipelines.context import StepContext
from spine.pipelines.rolling import window_weeks
from spine.storage.ledger import Capture, HoldKind, Observation, set_hold

_MAX_NAMED = 20


@dataclass(frozen=True, slots=True)
class Check:
    """One outcome, as core_quality keeps it."""

    name: str
    category: str
    passed: bool
    message: str
    actual: str
    expected: str


@gives(capture_id="string", checks="object")
def validate_ingest(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """Hold a capture back unless its rows are as many, and of the symbols, as expected.

    Config: ``min_rows`` (default 1), ``max_rows`` (1,000,000), ``max_reject_ratio`` (0..1, default 0.05, of lines that are
    neither blank nor comments), ``expected_symbols`` (list; by tier when a mapping).

    :raises ValidationError: a check failed; the capture is held out of the ``_latest`` views.
    """
    capture = current_capture(context, OTC_TRANSPARENCY)
    checks = [
        _row_count(capture, config),
        _reject_ratio(context, capture, config),
        _symbols(context, capture, config),
    ]
    record_checks(context, capture, checks)
    failed = [check for check in checks if not check.passed]
    receipt = {"capture_id": capture.capture_id, "checks": {check.name: check.passed for check in checks}}
    if failed:
        reason = "; ".join(check.message for check in failed)
        set_hold(context.storage, capture.capture_id, reason)
        raise ValidationError(f"{capture.capture_id} is held: {reason}", context=receipt)
    if capture.hold_kind == HoldKind.GATE:
        set_hold(context.storage, capture.capture_id, None)
    return StepResult.done(f"{len(checks)} checks passed", **receipt)


@gives(skip_rolling="boolean", weeks_available="number", missing_weeks="array")
def check_rolling_history(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """Whether every week of the rolling window is aggregated. Output: ``skip_rolling``, ``weeks_available``, ``missing_weeks``.

    Config: ``weeks`` (default: the run's ``window_weeks``, else 6).
    """
    capture = current_capture(context, OTC_TRANSPARENCY)
    given = config.get("weeks")
    weeks = window_weeks(context) if given is None else given
    if not isinstance(weeks, int) or weeks < 1:
        raise ConfigurationError(f"check_rolling_history: weeks must be a positive whole number, not {weeks!r}")
    wanted = window(capture.partition.week_ending, weeks)
    found = context.storage.query(
        "SELECT week_ending FROM core_latest WHERE domain = :domain AND tier = :tier AND summary_type = :summary_type "
        "AND stage = 'AGGREGATED' AND week_ending BETWEEN :start AND :end",
        {
            "domain": capture.partition.dataset,
            "tier": str(capture.partition.tier),
            "summary_type": capture.summary_type,
            "start": wanted[0],
            "end": wanted[-1],
        },
    )
    there = {str(row[0]) for row in found.rows}
    missing = [week for week in map(str, wanted) if week not in there]
    message = f"{weeks - len(missing)} of {weeks} weeks are there" + (
        f"; missing {', '.join(missing[:6])}" if missing else ""
    )
    return StepResult.done(
        message, skip_rolling=bool(missing), weeks_available=weeks - len(missing), missing_weeks=missing
    )


def _row_count(capture: Capture, config: Mapping[str, Any]) -> Check:
    low, high = int(config.get("min_rows", 1)), int(config.get("max_rows", 1_000_000))
    rows = capture.parsed_count  # as many are stored: the capture's own transaction saw to that
    return Check(
        "row_count",
        "COMPLETENESS",
        low <= rows <= high,
        f"{rows:,} rows, expected {low:,} to {high:,}",
        str(rows),
        f"{low}..{high}",
    )


def _reject_ratio(context: StepContext, capture: Capture, config: Mapping[str, Any]) -> Check:
    most = float(config.get("max_reject_ratio", 0.05))
    rejected = int(
        context.storage.query(
            "SELECT COUNT(*) FROM core_rejects WHERE capture_id = :capture_id AND stage = 'INGESTED' "
            "AND reason_code NOT IN ('BLANK_LINE', 'COMMENT_LINE')",
            {"capture_id": capture.capture_id},
        ).scalar
    )
    ratio = rejected / max(capture.parsed_count + rejected, 1)
    return Check(
        "reject_ratio", "INTEGRITY", ratio <= most,
        f"{rejected:,} lines rejected ({ratio:.1%}), at most {most:.1%} allowed", f"{ratio:.6f}", f"<= {most}",
    )  # fmt: skip


def _symbols(context: StepContext, capture: Capture, config: Mapping[str, Any]) -> Check:
    given = config.get("expected_symbols") or []
    expected = given.get(str(capture.partition.tier), []) if isinstance(given, Mapping) else given
    missing = [symbol for symbol in expected if not _has_symbol(context, capture, str(symbol))]
    message = f"missing symbols: {', '.join(missing[:_MAX_NAMED])}" if missing else "every expected symbol is there"
    return Check(
        "expected_symbols", "COMPLETENESS", not missing, message, str(len(missing)), f"{len(expected)} symbols"
    )


def _has_symbol(context: StepContext, capture: Capture, symbol: str) -> bool:
    found = context.storage.query(
        f"SELECT COUNT(*) FROM {OTC_TRANSPARENCY.lines_table} WHERE capture_no = :capture_no AND symbol = :symbol",
        {"capture_no": capture.capture_no, "symbol": symbol},
    )
    return int(found.scalar) > 0


def record_checks(context: StepContext, capture: Observation, checks: list[Check]) -> None:
    """Keep the outcomes; a retry of the same run replaces its earlier ones."""
    key = {"capture_id": capture.capture_id, "execution_id": context.run_id}
    with context.storage.transaction() as session:
        session.execute("DELETE FROM core_quality WHERE capture_id = :capture_id AND execution_id = :execution_id", key)
        for check in checks:
            session.execute(
                "INSERT INTO core_quality (domain, partition_key, capture_id, check_name, category, status, message, "
                "actual_value, expected_value, execution_id, batch_id, created_at) VALUES (:domain, :partition_key, "
                ":capture_id, :check_name, :category, :status, :message, :actual, :expected, :execution_id, :batch_id, :now)",
                {
                    **key,
                    "domain": capture.partition.dataset,
                    "partition_key": capture.partition.key,
                    "check_name": check.name,
                    "category": check.category,
                    "status": "PASS" if check.passed else "FAIL",
                    "message": check.message,
                    "actual": check.actual,
                    "expected": check.expected,
                    "batch_id": context.params.get("batch_id"),
                    "now": context.clock(),
                },
            )
