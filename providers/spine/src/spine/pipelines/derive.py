"""Stages AGGREGATED and ROLLING: each SQL file of a folder fills one table, for one capture, in one transaction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from spine.core.errors import ConfigurationError, TransformError, ValidationError
from spine.core.results import StepResult
from spine.core.weeks import sessions_of, window
from spine.finra.dataset import OTC_TRANSPARENCY, Dataset
from spine.pipelines.base import current_capture, lease_key
from spine.pipelines.context import StepContext
from spine.pipelines.normalize import plain_number
from spine.pipelines.revisions import record_revision
from spine.storage.leases import lease
from spine.storage.ledger import Capture, RunStamp, Stage, record_stage, stage_metrics
from spine.storage.sql import checked_identifier, read_sql, split_statements

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

DEFAULT_WINDOW_WEEKS = 6
MAX_WINDOW_WEEKS = 104


class _Derivation(Protocol):
    """What differs between the stages."""

    def inputs(self, storage: Storage, context: StepContext, capture: Capture) -> dict[str, Any]:
        """What the result depends on beside the capture (JSON-ready): the same inputs need no second computation."""

    def variant(self, inputs: Mapping[str, Any]) -> str:
        """Which of several results of the stage this is, such as the length of the window."""

    def params(self, capture: Capture, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Extra SQL parameters."""

    def parts(self, session: Session, folder: Path, capture: Capture) -> dict[str, str]:
        """Extra placeholders of the SQL files in ``folder``, and what each stands for."""

    def clear(self, session: Session, table: str, capture: Capture, params: Mapping[str, Any]) -> None:
        """Remove this capture's earlier rows of a table."""

    def check(self, session: Session, capture: Capture, rows: Mapping[str, int]) -> dict[str, Any]:
        """Reconcile what was computed; metrics for the manifest. Raises TransformError."""

    def conclude(self, session: Session, folder: Path, capture: Capture, stamp: RunStamp) -> None:
        """What else the stage records, given the dataset's SQL folder."""


@dataclass(frozen=True, slots=True)
class DeriveWeek:
    """Run ``include/sql/<dataset>/<folder>/NN_<table>.sql`` in order for one capture.

    Adding a table to a dataset is a migration and a file in that folder.
    """

    dataset: Dataset
    verb: str
    folder: str
    stage: Stage
    needs: Stage
    derivation: _Derivation
    description: str

    @property
    def name(self) -> str:
        return f"{self.dataset.name}.{self.verb}"

    def run(self, context: StepContext) -> StepResult:
        """:raises ConfigurationError: the stage before is not there; :raises TransformError: totals do not reconcile."""
        capture = current_capture(context, self.dataset)
        with lease(context.storage, lease_key(capture.partition), context.run_id, clock=context.clock) as held:
            if stage_metrics(context.storage, capture.capture_id, self.needs) is None:
                raise ConfigurationError(
                    f"{capture.capture_id} is not {self.needs} yet; run the step before {self.name}"
                )
            inputs = self.derivation.inputs(context.storage, context, capture)
            variant = self.derivation.variant(inputs)
            done = stage_metrics(context.storage, capture.capture_id, self.stage)
            if done and done["inputs"].get(variant) == inputs:
                return StepResult.unchanged(f"{capture.capture_id} is already {self.stage}", **_receipt(capture, done))
            with context.storage.transaction() as session:
                known = {**(done["inputs"] if done else {}), variant: inputs}
                metrics = self._fill(session, context, capture, inputs, known)
                held.confirm(session)
        tables = ", ".join(f"{name} {count:,}" for name, count in metrics["tables"].items())
        return StepResult.done(f"{self.stage} {capture.partition}: {tables}", **_receipt(capture, metrics))

    def _fill(
        self,
        session: Session,
        context: StepContext,
        capture: Capture,
        inputs: Mapping[str, Any],
        known: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Compute every table; ``known`` is what the manifest then says each variant rests on."""
        stamp = context.stamp()
        params = {**_common(capture, stamp), **self.derivation.params(capture, inputs)}
        files = self._files(context, capture)
        parts = self.derivation.parts(session, files[0].parent, capture)
        rows: dict[str, int] = {}
        for path in files:
            name = _table_of(path)
            self.derivation.clear(session, checked_identifier(f"{self.dataset.sql_folder}_{name}"), capture, params)
            # The last statement of a file fills its table; those before it prepare that.
            for statement in split_statements(read_sql(path, session.dialect, parts)):
                rows[name] = session.execute(statement, params)
        metrics = {"tables": rows, "inputs": known, **self.derivation.check(session, capture, rows)}
        self.derivation.conclude(session, context.settings.sql_dir / self.dataset.sql_folder, capture, stamp)
        rows_of_first = next(iter(rows.values()))
        record_stage(session, capture, self.stage, row_count=rows_of_first, metrics=metrics, stamp=stamp)
        return metrics

    def _files(self, context: StepContext, capture: Capture) -> list[Path]:
        files = _sql_files(context.settings.sql_dir / self.dataset.sql_folder / self.folder)
        if self.stage is Stage.AGGREGATED and not self.dataset.per_venue(capture.summary_type):
            return [path for path in files if _table_of(path) in self.dataset.symbol_level_tables]
        return files


@dataclass(frozen=True, slots=True)
class _Aggregation:
    """Symbol and venue tables of one week."""

    dataset: Dataset

    def inputs(self, storage: Storage, context: StepContext, capture: Capture) -> dict[str, Any]:
        return {}

    def variant(self, inputs: Mapping[str, Any]) -> str:
        return "week"

    def params(self, capture: Capture, inputs: Mapping[str, Any]) -> dict[str, Any]:
        days = len(sessions_of(capture.partition.week_ending))
        return {"capture_no": capture.capture_no, "trading_days": days}

    def parts(self, session: Session, folder: Path, capture: Capture) -> dict[str, str]:
        distinct = self._keys_distinct(session, capture)
        path = folder / ("venue_rows.sql" if distinct else "venue_rows_merged.sql")
        return {"venue_rows": f"({read_sql(path, session.dialect)})"}

    def _keys_distinct(self, session: Session, capture: Capture) -> bool:
        """Whether no symbol and MPID have several lines: rows in the strict order of both show it, else they are counted."""
        if (stage_metrics(session, capture.capture_id, Stage.INGESTED) or {}).get("keys_ascend"):
            return True
        repeated = session.query(
            f"SELECT COUNT(*) FROM (SELECT symbol FROM {self.dataset.lines_table} "
            "WHERE capture_no = :capture_no AND reason_code IS NULL GROUP BY symbol, mpid HAVING COUNT(*) > 1) r",
            {"capture_no": capture.capture_no},
        )
        return int(repeated.scalar) == 0

    def clear(self, session: Session, table: str, capture: Capture, params: Mapping[str, Any]) -> None:
        session.execute(f"DELETE FROM {table} WHERE capture_id = :capture_id", {"capture_id": capture.capture_id})

    def check(self, session: Session, capture: Capture, rows: Mapping[str, int]) -> dict[str, Any]:
        """Both tables add up to what was normalized: trades exactly, shares as far as doubles do (SQLite's fractions)."""
        normalized = stage_metrics(session, capture.capture_id, Stage.NORMALIZED) or {}
        expected = {"volume": normalized.get("shares"), "trades": normalized.get("trades")}
        for name in {"symbol_summary", "venue_share"} & rows.keys():
            table = f"{self.dataset.sql_folder}_{name}"
            row = session.query(
                f"SELECT ROUND(SUM(total_volume), 6) AS volume, SUM(total_trades) AS trades FROM {table} "
                "WHERE capture_id = :capture_id",
                {"capture_id": capture.capture_id},
            ).first
            assert row is not None
            found = {"volume": plain_number(row["volume"]), "trades": int(row["trades"])}
            exact = found["trades"] == expected["trades"]
            if not exact or not math.isclose(float(found["volume"]), float(expected["volume"] or 0), rel_tol=1e-12):
                raise TransformError(f"{table} of {capture.capture_id} adds up to {found}, normalized are {expected}")
        return expected

    def conclude(self, session: Session, folder: Path, capture: Capture, stamp: RunStamp) -> None:
        """A restatement is compared with what it replaces."""
        if capture.revision:
            record_revision(session, folder / "revision", capture, stamp)


@dataclass(frozen=True, slots=True)
class _Rolling:
    """Means and trends over consecutive weeks. Param: ``window_weeks`` (2 to 104, default 6)."""

    dataset: Dataset

    def inputs(self, storage: Storage, context: StepContext, capture: Capture) -> dict[str, Any]:
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
        return {"window_weeks": weeks, "captures": [row[0] for row in found.rows]}

    def variant(self, inputs: Mapping[str, Any]) -> str:
        return str(inputs["window_weeks"])

    def params(self, capture: Capture, inputs: Mapping[str, Any]) -> dict[str, Any]:
        start = window(capture.partition.week_ending, inputs["window_weeks"])[0]
        return {
            "domain": capture.partition.dataset,
            "window_weeks": inputs["window_weeks"],
            "window_start": start,
            "weeks_loaded": len(inputs["captures"]),
        }

    def parts(self, session: Session, folder: Path, capture: Capture) -> dict[str, str]:
        return {}

    def clear(self, session: Session, table: str, capture: Capture, params: Mapping[str, Any]) -> None:
        session.execute(
            f"DELETE FROM {table} WHERE capture_id = :capture_id AND window_weeks = :window_weeks",
            {"capture_id": capture.capture_id, "window_weeks": params["window_weeks"]},
        )

    def check(self, session: Session, capture: Capture, rows: Mapping[str, int]) -> dict[str, Any]:
        """One row for every symbol of the week."""
        row = session.query(
            f"SELECT COUNT(*) AS symbols FROM {self.dataset.sql_folder}_symbol_summary WHERE capture_id = :capture_id",
            {"capture_id": capture.capture_id},
        ).first
        assert row is not None
        if rows["symbol_rolling"] != row["symbols"]:
            raise TransformError(
                f"{capture.capture_id}: {rows['symbol_rolling']:,} rolling rows for {row['symbols']:,} symbols; is the capture "
                "held, or no longer the newest of its week?"
            )
        return {"symbols": row["symbols"]}

    def conclude(self, session: Session, folder: Path, capture: Capture, stamp: RunStamp) -> None:
        """Nothing: what a restatement does to later weeks is refresh_dependents' work."""


def _sql_files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.glob("[0-9]*_*.sql") if "." not in path.stem)
    if not files:
        raise ConfigurationError(f"no SQL files in {folder}; check [spine] include_dir")
    return files


def _table_of(path: Path) -> str:
    return path.stem.partition("_")[2]


def derived_tables(sql_dir: Path, dataset: Dataset) -> list[str]:
    """Every table that a stage fills, each with a column ``capture_id``.

    :raises ConfigurationError: the SQL files that fill them are missing.
    """
    folders = (sql_dir / dataset.sql_folder / each.folder for each in (aggregate_week, compute_rolling))
    return [
        checked_identifier(f"{dataset.sql_folder}_{_table_of(path)}")
        for folder in folders
        for path in _sql_files(folder)
    ]


def window_weeks(context: StepContext) -> int:
    """The length of the rolling window.

    :raises ValidationError: not a whole number of weeks from 2 to MAX_WINDOW_WEEKS.
    """
    weeks = context.params.get("window_weeks")
    weeks = DEFAULT_WINDOW_WEEKS if weeks is None else weeks
    if not isinstance(weeks, int) or not 2 <= weeks <= MAX_WINDOW_WEEKS:
        raise ValidationError(f"window_weeks {weeks!r} is not a whole number from 2 to {MAX_WINDOW_WEEKS}")
    return weeks


def _common(capture: Capture, stamp: RunStamp) -> dict[str, Any]:
    return {
        "week_ending": capture.partition.week_ending,
        "tier": str(capture.partition.tier),
        "summary_type": capture.summary_type,
        "capture_id": capture.capture_id,
        "captured_at": capture.captured_at,
        "execution_id": stamp.execution_id,
        "batch_id": stamp.batch_id,
        "calculated_at": stamp.now,
    }


def _receipt(capture: Capture, metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "capture_id": capture.capture_id,
        "tier": str(capture.partition.tier),
        "week_ending": capture.partition.week_ending.isoformat(),
        "tables": metrics["tables"],
    }


aggregate_week = DeriveWeek(
    OTC_TRANSPARENCY, "aggregate_week", "aggregate", Stage.AGGREGATED, Stage.NORMALIZED, _Aggregation(OTC_TRANSPARENCY),
    "Symbol summary, venue share, concentration and liquidity of one week.",
)  # fmt: skip
compute_rolling = DeriveWeek(
    OTC_TRANSPARENCY, "compute_rolling", "rolling", Stage.ROLLING, Stage.AGGREGATED, _Rolling(OTC_TRANSPARENCY),
    "Rolling means and trends per symbol over the last weeks.",
)  # fmt: skip
