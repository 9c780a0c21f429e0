"""An assessment on record: scores as rows, what is wrong as anomalies, and an alert for each number that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from spine.alerts.model import Alert, AlertSeverity, AlertState
from spine.alerts.outbox import raise_alert
from spine.core.weeks import parse_date
from spine.quality.anomalies import Observed, observe
from spine.quality.assessment.issues import Check

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.pipelines.context import StepContext
    from spine.quality.assessment.assess import Assessment
    from spine.quality.assessment.issues import Issue
    from spine.quality.assessment.scoring import Score
    from spine.storage.base import Session, Storage

SOURCE = "assessment"
_TOLD = (AlertSeverity.CRITICAL,)
"""Of what severity an issue raises an alert: a week that is missing or held has its own."""
_TABLE = "core_quality_scores"
_DIMENSIONS = ("completeness", "consistency", "validity", "stability", "timeliness")


def save(context: StepContext, found: Assessment) -> Observed:
    """Replace the scores of what was looked at, and put its issues on record; all or nothing."""
    with context.storage.transaction() as session:
        _replace_scores(session, context, found)
        observed = observe(
            session, found.dataset, found.issues, _covered(found), now=found.assessed_at, run_id=context.run_id
        )
        _tell(session, context, found, observed)
    return observed


def _covered(found: Assessment) -> Any:
    """Whether an anomaly would have been found had it still been there: its check was made, its week looked at."""
    weeks = {(str(each.tier), each.week_ending) for each in found.weeks}
    seen = {each.capture_id for each in found.weeks}
    made = {str(check) for check in found.made}

    def covers(row: Mapping[str, Any]) -> bool:
        if row["check_name"] not in made:
            return False
        if row["week_ending"] is None:  # of the whole database
            return found.scope.full
        if row["summary_type"] != found.scope.summary_type:
            return False
        if row["check_name"] in (Check.GATES, Check.DRIFT) and row["capture_id"] not in seen:
            return False  # of a capture that is held: what its gate said stands
        return (row["tier"], parse_date(row["week_ending"])) in weeks

    return covers


def _tell(session: Session, context: StepContext, found: Assessment, observed: Observed) -> None:
    for issue in observed.opened:
        if issue.severity in _TOLD:
            raise_alert(session, _alert(context, found.dataset, issue), found.assessed_at)
    for row in observed.gone:
        if row["severity"] in _TOLD:
            raise_alert(session, _resolved(context, found.dataset, row), found.assessed_at)


def _alert(context: StepContext, domain: str, issue: Issue) -> Alert:
    way_out = f"\n{issue.remedy}" if issue.remedy else ""
    return Alert(
        severity=issue.severity,
        title=f"{issue.check}: a published number is wrong",
        message=f"{issue.tier or domain} {issue.week_ending or ''}: {issue.message}{way_out}",
        source=SOURCE,
        domain=domain,
        tier="" if issue.tier is None else str(issue.tier),
        week_ending="" if issue.week_ending is None else issue.week_ending.isoformat(),
        summary_type=issue.summary_type,
        workflow=context.workflow,
        capture_id=issue.capture_id,
        run_id=context.run_id,
        cause=f"{issue.check}:{issue.about}",
    )


def _resolved(context: StepContext, domain: str, row: Mapping[str, Any]) -> Alert:
    return Alert(
        severity=AlertSeverity(row["severity"]),
        title=f"{row['check_name']}: a published number is right again",
        message=f"no longer found: {row['message']}",
        source=SOURCE,
        domain=domain,
        tier=str(row["tier"]),
        week_ending="" if row["week_ending"] is None else str(row["week_ending"]),
        summary_type=str(row["summary_type"]),
        workflow=context.workflow,
        run_id=context.run_id,
        cause=f"{row['check_name']}:{row['about']}",
        state=AlertState.RESOLVED,
    )


def _replace_scores(session: Session, context: StepContext, found: Assessment) -> None:
    same = {"domain": found.dataset, "summary_type": found.scope.summary_type}
    for each in found.weeks:
        session.execute(
            f"DELETE FROM {_TABLE} WHERE domain = :domain AND summary_type = :summary_type AND tier = :tier "
            "AND week_ending = :week_ending AND symbol = ''",
            {**same, "tier": str(each.tier), "week_ending": each.week_ending},
        )
    last = {each.tier: each.week_ending for each in found.weeks}
    for tier in {each.tier for each in found.symbols}:
        only = "" if found.scope.symbol is None else " AND symbol = :symbol"
        session.execute(
            f"DELETE FROM {_TABLE} WHERE domain = :domain AND summary_type = :summary_type AND tier = :tier "
            f"AND week_ending = :week_ending AND symbol <> ''{only}",
            {**same, "tier": str(tier), "week_ending": last[tier]}
            | ({} if found.scope.symbol is None else {"symbol": found.scope.symbol}),
        )
    stamp = {**same, "assessed_at": found.assessed_at, "execution_id": context.run_id}
    rows = [
        {
            **stamp,
            "tier": str(each.tier),
            "week_ending": each.week_ending,
            "symbol": "",
            "issue_count": len(each.issues),
            "notes": "; ".join(issue.message for issue in each.issues)[:2000],
            "capture_id": each.capture_id,
            **_scored(each.score),
        }
        for each in found.weeks
    ]
    rows += [
        {
            **stamp,
            "tier": str(one.tier),
            "week_ending": last[one.tier],
            "symbol": one.symbol,
            "issue_count": len(one.notes),
            "notes": "; ".join(one.notes),
            "capture_id": "",
            **_scored(one.score),
        }
        for one in found.symbols
    ]
    if rows:
        session.bulk_load(_TABLE, [_batch(rows)])


def _scored(score: Score) -> dict[str, Any]:
    return {
        "score": score.value,
        "grade": str(score.grade),
        **{name: score.dimensions.get(name) for name in _DIMENSIONS},
    }


def _batch(rows: Iterable[Mapping[str, Any]]) -> pa.RecordBatch:
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    schema = pa.schema(
        [
            *((name, text) for name in ("domain", "summary_type", "tier", "symbol", "grade", "notes", "capture_id")),
            *((name, number) for name in ("score", *_DIMENSIONS)),
            ("week_ending", pa.date32()),
            ("issue_count", pa.int64()),
            ("assessed_at", pa.timestamp("us", tz="UTC")),
            ("execution_id", text),
        ]
    )
    return pa.RecordBatch.from_pylist(list(rows), schema)


def read_scores(
    reader: Session | Storage, *, tier: str = "", symbol: str = "", summary_type: str = "", limit: int = 100
) -> list[dict[str, Any]]:
    """Scores of weeks, or of one symbol, the newest week first."""
    given = {"tier": tier, "summary_type": summary_type}
    wanted = {"symbol": symbol, **{name: value for name, value in given.items() if value}}
    where = " AND ".join(f"{name} = :{name}" for name in wanted)
    return list(
        reader.query(
            f"SELECT tier, week_ending, symbol, score, grade, {', '.join(_DIMENSIONS)}, issue_count, notes, capture_id, "
            f"summary_type, assessed_at FROM {_TABLE} WHERE {where} ORDER BY week_ending DESC, tier, summary_type "
            f"{reader.dialect.limit(limit)}",
            wanted,
        )
    )
