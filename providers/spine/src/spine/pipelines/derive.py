"""Stages AGGREGATED and ROLLING: each SQL file of a folder fills one table, for one capture, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from spine.core.errors import ConfigurationError, TransformError
from spine.core.places import happening
from spine.core.results import StepResult
from spine.finra.dataset import Dataset
from spine.pipelines.base import current_capture, lease_key, place_of_capture
from spine.pipelines.context import StepContext
from spine.storage.leases import lease
from spine.storage.ledger import Capture, RunStamp, Stage, finished_stages, record_stage
from spine.storage.sql import checked_identifier, read_sql, split_statements

if TYPE_CHECKING:
    from spine.storage.base import Session, Storage

_FOLDERS = ("aggregate", "rolling")


@dataclass(frozen=True, slots=True)
class Work:
    """What one run computes.

    :param stages: the stages that the capture has finished, with their metrics.
    :param inputs: what the result depends on beside the capture (JSON-ready): the same inputs need no second computation.
    """

    capture: Capture
    stages: Mapping[Stage, Mapping[str, Any]]
    inputs: Mapping[str, Any]


class Derivation(Protocol):
    """What differs between the stages."""

    def inputs(self, storage: Storage, context: StepContext, capture: Capture) -> dict[str, Any]:
        """What ``Work.inputs`` is for a capture."""

    def variant(self, inputs: Mapping[str, Any]) -> str:
        """Which of several results of the stage this is, such as the length of the window."""

    def params(self, work: Work) -> dict[str, Any]:
        """Extra SQL parameters."""

    def parts(self, session: Session, folder: Path, work: Work) -> dict[str, str]:
        """Extra placeholders of the SQL files in ``folder``, and what each stands for."""

    def clear(self, session: Session, table: str, work: Work) -> None:
        """Remove the rows of this variant from a table."""

    def check(self, session: Session, work: Work, rows: Mapping[str, int]) -> dict[str, Any]:
        """Reconcile what was computed; metrics for the manifest. Raises TransformError."""

    def conclude(self, session: Session, folder: Path, work: Work, stamp: RunStamp) -> None:
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
    derivation: Derivation
    description: str

    @property
    def name(self) -> str:
        return f"{self.dataset.name}.{self.verb}"

    def run(self, context: StepContext) -> StepResult:
        """:raises ConfigurationError: the stage before is not there; :raises TransformError: totals do not reconcile."""
        capture = current_capture(context, self.dataset)
        with (
            happening(**place_of_capture(capture)),
            lease(context.storage, lease_key(capture.partition), context.run_id, clock=context.clock) as held,
        ):
            stages = finished_stages(context.storage, capture.capture_id)
            if self.needs not in stages:
                raise ConfigurationError(
                    f"{capture.capture_id} is not {self.needs} yet; run the step before {self.name}"
                )
            work = Work(capture, stages, self.derivation.inputs(context.storage, context, capture))
            if self._known(work).get(self.derivation.variant(work.inputs)) == work.inputs:
                done = f"{capture.capture_id} is already {self.stage}"
                return StepResult.unchanged(done, **_receipt(capture, stages[self.stage]))
            while True:
                with context.storage.transaction() as session:
                    metrics = self._fill(session, context, work)
                    held.confirm(session)
                if (moved := self._moved(context, work)) is None:
                    break
                work = moved
        for name, count in metrics["tables"].items():
            context.storage.refresh_statistics(f"{self.dataset.sql_folder}_{name}", count)
        tables = ", ".join(f"{name} {count:,}" for name, count in metrics["tables"].items())
        return StepResult.done(f"{self.stage} {capture.partition}: {tables}", **_receipt(capture, metrics))

    def _moved(self, context: StepContext, work: Work) -> Work | None:
        """The work to do once more, or None.

        A neighbour may publish between the look at the inputs and our commit, and look for results that rest on its old
        capture before there are ours. One of the two must see the other: so we look again, now that ours are there.
        """
        try:
            inputs = self.derivation.inputs(context.storage, context, work.capture)
        except TransformError:  # readers have another capture of the week now, and its own run computes that
            return None
        if inputs == work.inputs:
            return None
        return replace(work, stages=finished_stages(context.storage, work.capture.capture_id), inputs=inputs)

    def _known(self, work: Work) -> Mapping[str, Any]:
        """What each variant that is there rests on."""
        known: Mapping[str, Any] = work.stages.get(self.stage, {}).get("inputs", {})
        return known

    def _fill(self, session: Session, context: StepContext, work: Work) -> dict[str, Any]:
        """Compute every table and record the stage; its metrics."""
        stamp = context.stamp()
        rows = self._fill_tables(session, context, work, stamp)
        known = {**self._known(work), self.derivation.variant(work.inputs): work.inputs}
        metrics = {"tables": rows, "inputs": known, **self.derivation.check(session, work, rows)}
        self.derivation.conclude(session, context.settings.sql_dir / self.dataset.sql_folder, work, stamp)
        rows_of_first = next(iter(rows.values()))
        record_stage(session, work.capture, self.stage, row_count=rows_of_first, metrics=metrics, stamp=stamp)
        return metrics

    def _fill_tables(self, session: Session, context: StepContext, work: Work, stamp: RunStamp) -> dict[str, int]:
        """How many rows each table has got."""
        folder = context.settings.sql_dir / self.dataset.sql_folder / self.folder
        params = {**_common(work.capture, stamp), **self.derivation.params(work)}
        parts = self.derivation.parts(session, folder, work)
        rows: dict[str, int] = {}
        for path in self._files(folder, work.capture):
            name = _table_of(path)
            self.derivation.clear(session, checked_identifier(f"{self.dataset.sql_folder}_{name}"), work)
            # The last statement of a file fills its table; those before it prepare that.
            for statement in split_statements(read_sql(path, session.dialect, parts)):
                rows[name] = session.execute(statement, params)
        return rows

    def _files(self, folder: Path, capture: Capture) -> list[Path]:
        files = _sql_files(folder)
        if self.stage is Stage.AGGREGATED and not self.dataset.per_venue(capture.summary_type):
            return [path for path in files if _table_of(path) in self.dataset.symbol_level_tables]
        return files


def derived_tables(sql_dir: Path, dataset: Dataset) -> list[str]:
    """Every table that a stage fills, each with a column ``capture_id``.

    :raises ConfigurationError: the SQL files that fill them are missing.
    """
    return [
        checked_identifier(f"{dataset.sql_folder}_{_table_of(path)}")
        for folder in _FOLDERS
        for path in _sql_files(sql_dir / dataset.sql_folder / folder)
    ]


def _sql_files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.glob("[0-9]*_*.sql") if "." not in path.stem)
    if not files:
        raise ConfigurationError(f"no SQL files in {folder}; check [spine] include_dir")
    return files


def _table_of(path: Path) -> str:
    return path.stem.partition("_")[2]


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
