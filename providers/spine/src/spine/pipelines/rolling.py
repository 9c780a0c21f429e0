"""Stage ROLLING: means and trends per symbol over consecutive weeks of one tier, from the captures that readers have of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spine.core.errors import TransformError, ValidationError
from spine.core.weeks import window
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.context import StepContext
from spine.pipelines.derive import DeriveWeek, Work
from spine.storage.ledger import Capture, RunStamp, Stage

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

DEFAULT_WINDOW_WEEKS = 6
MAX_WINDOW_WEEKS = 104


@dataclass(frozen=True, slots=True)
class Rolling:
    """What ``include/sql/<dataset>/rolling/`` needs; ``${window_captures}`` there are the ids of the window's captures.

    They are named in the statement, so that it reads these captures' rows and no others, however long the history is.

    Param: ``window_weeks`` (2 to 104, default 6).
    """

    dataset: Dataset

    def inputs(self, storage: Storage, context: StepContext, capture: Capture) -> dict[str, Any]:
        """:raises TransformError: readers do not have this capture."""
        weeks = window_weeks(context)
        start = window(capture.partition.week_ending, weeks)[0]
        found = storage.query(
            "SELECT capture_id FROM core_latest WHERE domain = :domain AND tier = :tier AND summary_type = :summary_type "
            "AND stage = 'AGGREGATED' AND week_ending BETWEEN :start AND :week_ending ORDER BY week_ending",
            {
                "domain": capture.partition.dataset,
                "tier": str(capture.partition.tier),
                "summary_type": capture.summary_type,
                "start": start,
                "week_ending": capture.partition.week_ending,
            },
        )
        captures = [str(row[0]) for row in found.rows]
        if capture.capture_id not in captures:
            raise TransformError(
                f"readers do not have {capture.capture_id}: it is held, or no longer the newest of its week; work on the "
                "one they have"
            )
        return {"window_weeks": weeks, "captures": captures}

    def variant(self, inputs: Mapping[str, Any]) -> str:
        return str(inputs["window_weeks"])

    def params(self, work: Work) -> dict[str, Any]:
        captures = work.inputs["captures"]
        return {
            "window_weeks": work.inputs["window_weeks"],
            "weeks_loaded": len(captures),
            **{f"input_{number}": capture_id for number, capture_id in enumerate(captures)},
        }

    def parts(self, session: Session, folder: Path, work: Work) -> dict[str, str]:
        marks = (f":input_{number}" for number in range(len(work.inputs["captures"])))
        return {"window_captures": ", ".join(marks)}

    def clear(self, session: Session, table: str, work: Work) -> None:
        session.execute(
            f"DELETE FROM {table} WHERE capture_id = :capture_id AND window_weeks = :window_weeks",
            {"capture_id": work.capture.capture_id, "window_weeks": work.inputs["window_weeks"]},
        )

    def check(self, session: Session, work: Work, rows: Mapping[str, int]) -> dict[str, Any]:
        """One row for every symbol of the week."""
        symbols = session.query(
            f"SELECT COUNT(*) FROM {self.dataset.sql_folder}_symbol_summary WHERE capture_id = :capture_id",
            {"capture_id": work.capture.capture_id},
        ).scalar
        if rows["symbol_rolling"] != symbols:
            raise TransformError(
                f"{work.capture.capture_id}: {rows['symbol_rolling']:,} rolling rows for {symbols:,} symbols; expected one each"
            )
        return {"symbols": symbols}

    def conclude(self, session: Session, folder: Path, work: Work, stamp: RunStamp) -> None:
        """Nothing: what a restatement does to later weeks is refresh_dependents' work."""


def window_weeks(context: StepContext) -> int:
    """The length of the rolling window.

    :raises ValidationError: not a whole number of weeks from 2 to MAX_WINDOW_WEEKS.
    """
    weeks = context.params.get("window_weeks")
    weeks = DEFAULT_WINDOW_WEEKS if weeks is None else weeks
    if not isinstance(weeks, int) or not 2 <= weeks <= MAX_WINDOW_WEEKS:
        raise ValidationError(f"window_weeks {weeks!r} is not a whole number from 2 to {MAX_WINDOW_WEEKS}")
    return weeks


compute_rolling = DeriveWeek(
    OTC_TRANSPARENCY, "compute_rolling", "rolling", Stage.ROLLING, Stage.AGGREGATED, Rolling(OTC_TRANSPARENCY),
    "Rolling means and trends per symbol over the last weeks.",
)  # fmt: skip
