"""One week of one tier as an assessment sees it: what is there, what is wrong with it, and its score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spine.alerts.model import AlertSeverity
from spine.core.tiers import Tier
from spine.finra.dataset import Dataset
from spine.quality.assessment.drift import Steadiness
from spine.quality.assessment.issues import Check, Issue
from spine.quality.assessment.published import Published, rows_of
from spine.quality.assessment.scoring import WEEK_WEIGHTS, Score, score, timeliness, validity
from spine.quality.coverage import Cell, CellState
from spine.quality.gaps import refresh_args
from spine.storage.base import Session, Storage
from spine.storage.ledger import Stage

_ACCEPTED = "SELECT capture_id, row_count FROM core_manifest WHERE stage = 'NORMALIZED' AND capture_id IN ({ids})"
# Lines that say nothing are no loss.
_REFUSED = """
SELECT capture_id, COUNT(*) AS row_count FROM core_rejects
WHERE capture_id IN ({ids}) AND reason_code NOT IN ('BLANK_LINE', 'COMMENT_LINE') GROUP BY capture_id"""
_GATES = """
SELECT q.capture_id, q.check_name, q.status, q.message, q.affected_rows
FROM core_quality q
WHERE q.capture_id IN ({ids}) AND q.status IN ('WARN', 'QUARANTINE') AND q.baseline_json IS NULL
  AND q.created_at = (SELECT MAX(n.created_at) FROM core_quality n
                      WHERE n.capture_id = q.capture_id AND n.check_name = q.check_name)"""
_UNSEEN = (CellState.NOT_DUE, CellState.DUE)


@dataclass(frozen=True, slots=True)
class WeekScore:
    """One week of one tier.

    :param capture_id: what readers see; empty where they see nothing.
    :param accepted, refused: lines of it.
    """

    tier: Tier
    week_ending: dt.date
    state: CellState
    score: Score
    capture_id: str = ""
    accepted: int = 0
    refused: int = 0
    issues: tuple[Issue, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "tier": str(self.tier),
            "week_ending": self.week_ending.isoformat(),
            "state": str(self.state),
            "score": self.score.value,
            "grade": str(self.score.grade),
            "dimensions": dict(self.score.dimensions),
            "capture_id": self.capture_id,
            "accepted": self.accepted,
            "refused": self.refused,
            "issues": [issue.message for issue in self.issues],
        }


def coverage_issue(cell: Cell) -> Issue | None:
    """What is to be said of a week that is missing, not finished or held."""
    capture_id = cell.newest.capture_id if cell.newest else ""
    command = " ".join(refresh_args(cell.tier, cell.week_ending))
    lacking = AlertSeverity.WARNING if cell.published else AlertSeverity.ERROR
    if cell.state is CellState.LATE_HERE:
        said, severity = "FINRA has published it, and nothing is captured", AlertSeverity.ERROR
    elif cell.state is CellState.LATE_AT_SOURCE:
        said, severity = "its time has come, and FINRA does not have it", AlertSeverity.WARNING
    elif cell.state is CellState.HELD:
        assert cell.newest is not None
        said, severity = f"the newest capture is held: {cell.newest.hold_reason}", lacking
        command = f"airflow spine quality approve {capture_id} --reason ..."
    elif cell.state is CellState.PARTIAL:
        said = f"not finished: {', '.join(map(str, cell.missing))} missing"
        severity = AlertSeverity.WARNING if cell.missing == (Stage.ROLLING,) else lacking
    else:
        return None
    return Issue(
        Check.COVERAGE, severity, str(cell.state), said, cell.tier, cell.week_ending, capture_id, 1, command
    )  # fmt: skip


def lines_of(
    reader: Session | Storage, dataset: Dataset, published: Sequence[Published]
) -> Mapping[str, tuple[int, int]]:
    """Accepted and refused lines, by capture id."""
    accepted = {row["capture_id"]: int(row["row_count"]) for row in rows_of(reader, _ACCEPTED, dataset, published)}
    refused = {row["capture_id"]: int(row["row_count"]) for row in rows_of(reader, _REFUSED, dataset, published)}
    return {each.capture_id: (accepted.get(each.capture_id, 0), refused.get(each.capture_id, 0)) for each in published}


def gate_issues(reader: Session | Storage, dataset: Dataset, published: Sequence[Published]) -> list[Issue]:
    """Rules that did not hold when a capture that readers see went through its gates. Left out: what a person approved, and
    what compares weeks, which is judged anew (drift)."""
    known = {each.capture_id: each for each in published}
    return [
        Issue(
            Check.GATES, AlertSeverity.WARNING, row["check_name"], f"{row['message']} ({row['status'].lower()})",
            (each := known[row["capture_id"]]).tier, each.week_ending, each.capture_id, int(row["affected_rows"] or 0),
        )
        for row in rows_of(reader, _GATES, dataset, published)
    ]  # fmt: skip


def week_score(
    cell: Cell,
    published: Published | None,
    lines: tuple[int, int],
    steady: Steadiness | None,
    issues: Sequence[Issue],
    checks: int,
    first_capture: dt.datetime | None,
) -> WeekScore | None:
    """None for a week that nobody can have yet.

    :param checks: kinds of check of the numbers against each other that were made.
    :param first_capture: when this database captured its first week: earlier ones are history, not late.
    """
    if published is None and cell.state in _UNSEEN:
        return None
    warnings = sum(issue.severity is AlertSeverity.WARNING for issue in issues)
    errors = sum(issue.severity in (AlertSeverity.ERROR, AlertSeverity.CRITICAL) for issue in issues)
    if published is None:
        nothing = score({**dict.fromkeys(WEEK_WEIGHTS), "completeness": 0.0}, WEEK_WEIGHTS)
        return WeekScore(cell.tier, cell.week_ending, cell.state, nothing, issues=tuple(issues))
    wrong = {issue.check for issue in issues if issue.severity is AlertSeverity.CRITICAL}
    dimensions = {
        "completeness": _stages(cell) * (1.0 if steady is None or steady.venues_there is None else steady.venues_there),
        "consistency": 1 - len(wrong) / checks,
        "validity": validity(*lines),
        "stability": None if steady is None or not steady.judged else max(0.0, 1 - steady.unusual / steady.judged),
        "timeliness": timeliness(_hours_late(cell, first_capture)),
    }
    found = score(dimensions, WEEK_WEIGHTS, warnings=warnings, errors=errors)
    return WeekScore(
        cell.tier, cell.week_ending, cell.state, found, published.capture_id, lines[0], lines[1], tuple(issues)
    )


def _stages(cell: Cell) -> float:
    """The part of the expected stages that readers have: of a held or unfinished restatement they have the one before."""
    if cell.published and cell.state is not CellState.PARTIAL:
        return 1.0
    done = len(cell.newest.stages) if cell.newest else 0
    return done / (done + len(cell.missing)) if done + len(cell.missing) else 0.0


def _hours_late(cell: Cell, first_capture: dt.datetime | None) -> float | None:
    if cell.first_captured_at is None or first_capture is None or cell.published_at < first_capture:
        return None
    return (cell.first_captured_at - cell.published_at).total_seconds() / 3600
