"""Stage AGGREGATED: symbol and venue tables of one week, reconciled against its venue volume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spine.core.errors import TransformError
from spine.core.weeks import sessions_of
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.context import StepContext
from spine.pipelines.derive import DeriveWeek, Work
from spine.pipelines.normalize import plain_number
from spine.pipelines.revisions import record_revision
from spine.storage.ledger import Capture, RunStamp, Stage
from spine.storage.sql import read_sql

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What ``include/sql/<dataset>/aggregate/`` needs; ``${venue_rows}`` there is one row per symbol and venue."""

    dataset: Dataset

    def inputs(self, storage: Storage, context: StepContext, capture: Capture) -> dict[str, Any]:
        return {}

    def variant(self, inputs: Mapping[str, Any]) -> str:
        return "week"

    def params(self, work: Work) -> dict[str, Any]:
        days = len(sessions_of(work.capture.partition.week_ending))
        return {"capture_no": work.capture.capture_no, "trading_days": days}

    def parts(self, session: Session, folder: Path, work: Work) -> dict[str, str]:
        distinct = self._keys_distinct(session, work)
        path = folder / ("venue_rows.sql" if distinct else "venue_rows_merged.sql")
        return {"venue_rows": f"({read_sql(path, session.dialect)})"}

    def _keys_distinct(self, session: Session, work: Work) -> bool:
        """Whether no symbol and MPID have several lines: lines in the strict order of both show it, else they are counted."""
        if work.stages.get(Stage.INGESTED, {}).get("keys_ascend"):
            return True
        repeated = session.query(
            f"SELECT COUNT(*) FROM (SELECT symbol FROM {self.dataset.lines_table} "
            "WHERE capture_no = :capture_no AND reason_code IS NULL GROUP BY symbol, mpid HAVING COUNT(*) > 1) r",
            {"capture_no": work.capture.capture_no},
        )
        return int(repeated.scalar) == 0

    def clear(self, session: Session, table: str, work: Work) -> None:
        session.execute(f"DELETE FROM {table} WHERE capture_id = :capture_id", {"capture_id": work.capture.capture_id})

    def check(self, session: Session, work: Work, rows: Mapping[str, int]) -> dict[str, Any]:
        """Both tables add up to what was normalized: trades exactly, shares as far as doubles do (SQLite's fractions)."""
        normalized, name = work.stages.get(Stage.NORMALIZED, {}), work.capture.capture_id
        expected = {"volume": normalized.get("shares"), "trades": normalized.get("trades")}
        for short in {"symbol_summary", "venue_share"} & rows.keys():
            table = f"{self.dataset.sql_folder}_{short}"
            found = _totals(session, table, name)
            exact = found["trades"] == expected["trades"]
            if not exact or not math.isclose(float(found["volume"]), float(expected["volume"] or 0), rel_tol=1e-12):
                raise TransformError(f"{table} of {name} adds up to {found}, normalized are {expected}")
        return expected

    def conclude(self, session: Session, folder: Path, work: Work, stamp: RunStamp) -> None:
        """A restatement is compared with what it replaces."""
        if work.capture.revision:
            record_revision(session, folder / "revision", work.capture, stamp)


def _totals(session: Session, table: str, capture_id: str) -> dict[str, Any]:
    row = session.query(
        f"SELECT ROUND(SUM(total_volume), 6) AS volume, SUM(total_trades) AS trades FROM {table} "
        "WHERE capture_id = :capture_id",
        {"capture_id": capture_id},
    ).first
    assert row is not None
    return {"volume": plain_number(row["volume"]), "trades": int(row["trades"])}


aggregate_week = DeriveWeek(
    OTC_TRANSPARENCY, "aggregate_week", "aggregate", Stage.AGGREGATED, Stage.NORMALIZED, Aggregation(OTC_TRANSPARENCY),
    "Symbol summary, venue share, concentration and liquidity of one week.",
)  # fmt: skip
