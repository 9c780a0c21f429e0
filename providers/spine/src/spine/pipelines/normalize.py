"""Stage NORMALIZED: the lines of a capture are judged by the dataset's rules; those that pass are the venue volume."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spine.core.errors import TransformError
from spine.core.places import happening
from spine.core.rejects import Reject
from spine.core.results import StepResult
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.base import current_capture, lease_key, place_of_capture
from spine.pipelines.context import StepContext
from spine.storage.leases import lease
from spine.storage.ledger import (
    QUARANTINED,
    Capture,
    RunStamp,
    Stage,
    record_rejects,
    record_stage,
    stage_metrics,
)
from spine.storage.sql import read_sql

if TYPE_CHECKING:
    from spine.storage.base import Session

# The row key within a capture, whose week, tier and summary type are one (docs/glossary.md).
_KEY = ("symbol", "mpid", "crd_number", "product_type", "issue_name")
_TOTALS = (
    "SELECT COUNT(*) AS row_count, COUNT(reason_code) AS broken, ROUND(SUM(total_shares), 6) AS shares, "
    "SUM(total_trades) AS trades FROM ({lines}\n) l"
)


@dataclass(frozen=True, slots=True)
class NormalizeWeek:
    """Judge one capture by ``include/sql/<dataset>/normalize/`` and publish what passes.

    Params: none of its own; works on the capture of an earlier step, or the newest one of ``tier`` and ``week_ending``.
    """

    dataset: Dataset
    description: str = (
        "Apply the dataset's rules to a capture: rows that pass are its venue volume, the others rejects."
    )

    @property
    def name(self) -> str:
        return f"{self.dataset.name}.normalize_week"

    def run(self, context: StepContext) -> StepResult:
        """:raises TransformError: parsed rows do not equal normalized + rejected; nothing is written then."""
        capture = current_capture(context, self.dataset)
        with (
            happening(**place_of_capture(capture)),
            lease(context.storage, lease_key(capture.partition), context.run_id, clock=context.clock) as held,
        ):
            if metrics := stage_metrics(context.storage, capture.capture_id, Stage.NORMALIZED):
                return StepResult.unchanged(f"{capture.capture_id} is already normalized", **_receipt(capture, metrics))
            with context.storage.transaction() as session:
                stamp = context.stamp()
                metrics = self.judge(session, context, capture, stamp)
                rows = metrics["row_count"]
                record_stage(session, capture, Stage.NORMALIZED, row_count=rows, metrics=metrics, stamp=stamp)
                held.confirm(session)
        counts = f"{metrics['row_count']:,} rows, {metrics['rejected']:,} rejects"
        return StepResult.done(f"normalized {capture.partition}: {counts}", **_receipt(capture, metrics))

    def judge(self, session: Session, context: StepContext, capture: Capture, stamp: RunStamp) -> dict[str, Any]:
        """Refuse what breaks a rule; the totals of the rest. A capture without a fault costs one pass over its lines."""
        folder = context.settings.sql_dir / self.dataset.sql_folder / "normalize"
        params = {"capture_no": capture.capture_no, "per_venue": int(self.dataset.per_venue(capture.summary_type))}
        judged = read_sql(folder / "judged_lines.sql", session.dialect)
        totals = session.query(_TOTALS.format(lines=judged), params).first
        assert totals is not None
        reasons: dict[int, tuple[str, str]] = {}
        if totals["broken"]:
            broken = session.query(
                f"SELECT line_number, reason_code FROM ({judged}\n) l WHERE reason_code IS NOT NULL", params
            )
            reasons = {row["line_number"]: (row["reason_code"], "") for row in broken}
        if not _keys_known_distinct(session, capture):
            repeated = session.query(read_sql(folder / "repeated_keys.sql", session.dialect), params)
            reasons |= repeated_rows(row for row in repeated if row["line_number"] not in reasons)
        if reasons:
            self._refuse(session, capture, reasons, stamp)
            unbroken = (
                f"SELECT * FROM {self.dataset.lines_table} WHERE capture_no = :capture_no AND reason_code IS NULL"
            )
            totals = session.query(_TOTALS.format(lines=unbroken), params).first
            assert totals is not None
        return _reconciled(capture, totals, len(reasons), _quarantined(session, capture))

    def _refuse(
        self, session: Session, capture: Capture, reasons: Mapping[int, tuple[str, str]], stamp: RunStamp
    ) -> None:
        """Keep each refused line with its content, so that it can be browsed and replayed, and mark it."""
        rejects = [
            reject
            for chunk in _chunks(sorted(reasons), 500)
            for reject in self._rejects(session, capture, chunk, reasons)
        ]
        record_rejects(session, capture, Stage.NORMALIZED, rejects, stamp)
        same = "capture_id = :capture_id AND stage = 'NORMALIZED'"
        session.execute(
            f"UPDATE {self.dataset.lines_table} SET reason_code = (SELECT r.reason_code FROM core_rejects r "
            f"WHERE r.{same} AND r.line_number = {self.dataset.lines_table}.line_number) "
            f"WHERE capture_no = :capture_no AND line_number IN (SELECT line_number FROM core_rejects WHERE {same})",
            {"capture_id": capture.capture_id, "capture_no": capture.capture_no},
        )

    def _rejects(
        self, session: Session, capture: Capture, lines: list[int], reasons: Mapping[int, tuple[str, str]]
    ) -> Iterator[Reject]:
        numbers = ", ".join(str(int(line)) for line in lines)
        rows = session.query(
            f"SELECT * FROM {self.dataset.lines_table} WHERE capture_no = :capture_no AND line_number IN ({numbers}) "
            "ORDER BY line_number",
            {"capture_no": capture.capture_no},
        )
        for row in rows:
            yield reject_of_line(row, *reasons[row["line_number"]])


def reject_of_line(row: Mapping[str, Any], code: str, detail: str = "") -> Reject:
    """A stored line as a reject, with all that it takes to replay it; without a detail its key and numbers are that."""
    shares = plain_number(row["total_shares"])
    raw = {name: value for name, value in row.items() if name not in ("capture_no", "reason_code")}
    raw["total_shares"] = shares  # written alike on every database
    numbers = f"{shares} shares, {row['total_trades']} trades"
    detail = detail or f"symbol {row['symbol']!r}, MPID {row['mpid']!r}, {numbers}"
    return Reject(int(row["line_number"]), code, detail, raw, record_key=f"{row['symbol']}|{row['mpid']}")


def _keys_known_distinct(session: Session, capture: Capture) -> bool:
    """Whether the rows came in the strict order of their keys, as FINRA's files do: then no key can repeat."""
    return bool((stage_metrics(session, capture.capture_id, Stage.INGESTED) or {}).get("keys_ascend"))


def _quarantined(session: Session, capture: Capture) -> int:
    """How many lines a gate set aside before."""
    found = session.query(
        "SELECT COUNT(*) FROM core_rejects WHERE capture_id = :capture_id AND stage = :stage",
        {"capture_id": capture.capture_id, "stage": QUARANTINED},
    )
    return int(found.scalar)


def _reconciled(capture: Capture, totals: Mapping[str, Any], rejected: int, quarantined: int) -> dict[str, Any]:
    """What is published, as the database counts it, held against what was parsed."""
    rows = int(totals["row_count"])
    if rows + rejected + quarantined != capture.parsed_count:
        raise TransformError(
            f"{capture.capture_id}: {capture.parsed_count:,} parsed rows do not equal {rows:,} normalized "
            f"+ {rejected:,} rejected + {quarantined:,} quarantined"
        )
    if rows == 0:
        broken = rejected + quarantined
        raise TransformError(f"{capture.capture_id}: every one of its {broken:,} rows broke a rule; see core_rejects")
    shares, trades = plain_number(totals["shares"]), int(totals["trades"])
    return {"row_count": rows, "rejected": rejected, "quarantined": quarantined, "shares": shares, "trades": trades}


def repeated_rows(rows: Iterable[Mapping[str, Any]]) -> dict[int, tuple[str, str]]:
    """Lines refused because their row key repeats, each with code and detail.

    Of exact duplicates the first line stays. Of lines with one key and different numbers none does: nothing says which of
    them is right, and a wrong number must not be published.
    """
    by_key: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        by_key.setdefault(tuple(row[name] for name in _KEY), []).append(row)
    found: dict[int, tuple[str, str]] = {}
    for same in by_key.values():
        lines = [int(row["line_number"]) for row in same]
        if len({(row["total_shares"], row["total_trades"]) for row in same}) > 1:
            detail = f"lines {', '.join(map(str, lines[:10]))} give different numbers for one key; none is published"
            found |= dict.fromkeys(lines, ("CONFLICTING_KEY", detail))
        else:
            found |= dict.fromkeys(lines[1:], ("DUPLICATE_ROW", f"the same as line {lines[0]}"))
    return found


def plain_number(value: Any) -> int | str:
    """A total for JSON: an integer when whole, else exact decimal text."""
    return int(value) if value == int(value) else f"{value:.6f}".rstrip("0")


def _chunks(items: list[int], size: int) -> Iterator[list[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _receipt(capture: Capture, metrics: dict[str, Any]) -> dict[str, Any]:
    return {
        "capture_id": capture.capture_id,
        "tier": str(capture.partition.tier),
        "week_ending": capture.partition.week_ending.isoformat(),
        "rows": metrics["row_count"],
        "rejected": metrics["rejected"],
        "quarantined": metrics.get("quarantined", 0),
        "shares": metrics["shares"],
        "trades": metrics["trades"],
    }


normalize_week = NormalizeWeek(OTC_TRANSPARENCY)
