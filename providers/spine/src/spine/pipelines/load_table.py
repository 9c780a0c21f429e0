"""A table from any source, by declaration: typed, accounted for, and merged in one transaction."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from spine.core.errors import ConfigurationError, LoadError, SourceError, ValidationError
from spine.core.prefetch import prefetch
from spine.core.rejects import Reject
from spine.core.results import StepResult
from spine.core.suggest import did_you_mean
from spine.pipelines.context import StepContext
from spine.storage.leases import Lease, lease
from spine.storage.ledger import RunStamp
from spine.storage.loads import Load, LoadPartition, SourceFacts, load_id, newest_facts, record_load, was_loaded
from spine.storage.upsert import (
    MergeCounts,
    Target,
    append,
    create_stage,
    drop_stage,
    merge,
    remove_lines,
    remove_missing,
    repeated_keys,
)

if TYPE_CHECKING:
    from spine.pipelines.load_rows import TableRows
    from spine.pipelines.load_spec import LoadSpec
    from spine.sources.base import ClosableReading, Source, SourceReading
    from spine.storage.base import Session, Storage


@dataclass(frozen=True, slots=True)
class LoadTable:
    """Load one table from a file, a server or a query.

    Params: ``load`` (see ``LoadSpec``), ``force`` (ask and load even when nothing changed).
    """

    name: str = "core.load_table"
    description: str = "Load a table from a file, an HTTP source or a query, as the step declares."

    def run(self, context: StepContext) -> StepResult:
        """:raises SpineError: see spine.core.errors; nothing is written then."""
        from spine.pipelines.load_spec import parse_load

        spec = parse_load(context.params.get("load"))
        job = _Job(context, spec, _partition(context, spec))
        key = f"load:{spec.table}:{job.partition}"
        with lease(context.storage, key, context.run_id, clock=context.clock) as held:
            return job.run(held)


class _SameContent(Exception):
    """These bytes were appended before: leave the transaction without a trace."""


@dataclass(slots=True)
class _Job:
    """One load.

    :param validators: what lets a server tell, next time, that nothing changed.
    """

    context: StepContext
    spec: LoadSpec
    partition: LoadPartition
    stamp: RunStamp = field(init=False)
    load: Load = field(init=False)
    validators: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stamp = self.context.stamp()
        self.load = Load(load_id(self.partition, self.stamp), self.partition, "")
        _require_columns(self.context.storage, self.spec)

    def run(self, held: Lease) -> StepResult:
        from spine.pipelines.load_source import guarded, open_source

        newest = newest_facts(self.context.storage, self.partition, self.spec.table)
        known = self._conditions(newest)
        with open_source(self.spec.source, self.context, fields=self.spec.source_fields, known=known) as source:
            self.load = replace(self.load, source_name=source.name)
            with guarded(self.spec.source, source, self.context):
                reading = source.read()
                if getattr(reading, "unchanged", False):
                    return self._unchanged(f"unchanged: {source.name} says so")
                whole = _at_hand(reading)
            self.validators = {name: getattr(reading, name, "") for name in ("etag", "last_modified")}
            try:
                with closing(whole):
                    return self._take(held, source, whole)
            except _SameContent:
                return self._unchanged(f"unchanged: {source.name} was appended before")

    def _conditions(self, newest: SourceFacts | None) -> dict[str, str]:
        """What lets a server answer that nothing changed since the newest load of this same declaration."""
        if newest is None or self._forced or newest.definition_hash != self.spec.definition_hash:
            return {}
        return {"etag": newest.etag, "last_modified": newest.last_modified}

    @property
    def _forced(self) -> bool:
        return bool(self.context.params.get("force"))

    def _take(self, held: Lease, source: Source, reading: SourceReading) -> StepResult:
        from spine.pipelines.load_rows import TableRows
        from spine.pipelines.load_spec import Mode, Stamp

        stamps = {
            Stamp.LOADED_AT: self.stamp.now,
            Stamp.LOAD_ID: self.load.capture_id,
            Stamp.EXECUTION_ID: self.stamp.execution_id,
            Stamp.BATCH_ID: self.stamp.batch_id,
        }
        rows = TableRows(self.spec, reading, source.name, stamps)
        target = _target(self.spec)
        with self.context.storage.transaction() as session:
            stage = create_stage(session, target)
            staged = session.bulk_load(stage, prefetch(rows))
            self._reconcile(reading, rows, staged)
            facts = self._facts(source, reading)
            once = self.spec.mode is Mode.APPEND and not self._forced
            if once and was_loaded(session, self.partition, self.spec.table, facts):
                raise _SameContent
            refused = self._refuse_repeated(session, target, stage)
            counts = self._merge(session, target, stage)
            drop_stage(session, stage)
            self._require_counts(counts, staged - len(refused))
            rejects = [*rows.rejects, *refused]
            record_load(
                session, self.load, table=self.spec.table, mode=str(self.spec.mode), facts=facts, counts=counts,
                rejects=rejects, stamp=self.stamp,
            )  # fmt: skip
            held.confirm(session)
        self.context.storage.refresh_statistics(self.spec.table, counts.changed)
        return self._done(reading, rows, rejects, counts)

    def _reconcile(self, reading: SourceReading, rows: TableRows, staged: int) -> None:
        """Every line is a row or a reject, every row is staged, and there are enough of them."""
        rejected, name = len(rows.rejects), self.load.source_name
        if rows.typed + rejected != reading.lines or staged != rows.typed:
            raise LoadError(
                f"{name}: {reading.lines:,} lines, {rows.typed:,} typed, {rejected:,} rejected, {staged:,} staged"
            )
        if not reading.lines and not self.spec.allow_empty:
            raise SourceError(f"{name} gave no rows; if that is right, set allow_empty")
        if reading.lines and not rows.typed:
            raise SourceError(f"{name}: none of its {reading.lines:,} lines can be loaded; the first: {rows.example()}")
        if reading.lines and rejected / reading.lines > self.spec.max_reject_ratio:
            raise ValidationError(
                f"{name}: {rejected:,} of {reading.lines:,} lines are rejected, more than {self.spec.max_reject_ratio:.1%}; "
                f"the first: {rows.example()}"
            )

    def _refuse_repeated(self, session: Session, target: Target, stage: str) -> list[Reject]:
        from spine.pipelines.load_rows import conflicting_rows

        if not target.key:
            return []
        rejects = conflicting_rows(repeated_keys(session, target, stage), target.key, target.compared)
        removed = remove_lines(session, stage, [reject.line_number for reject in rejects])
        if removed != len(rejects):
            raise LoadError(f"{len(rejects)} repeated rows, {removed} taken out")
        return rejects

    def _merge(self, session: Session, target: Target, stage: str) -> MergeCounts:
        from spine.pipelines.load_spec import Mode

        if self.spec.mode is Mode.APPEND:
            return append(session, target, stage)
        deleted = 0
        if self.spec.mode is Mode.REPLACE_PARTITION:
            from spine.pipelines.load_types import constant

            columns = self.spec.columns
            values = {name: constant(columns[name].value, columns[name].type).as_py() for name in self.spec.partition}
            deleted = remove_missing(session, target, stage, values)
        return replace(merge(session, target, stage), deleted=deleted)

    def _require_counts(self, counts: MergeCounts, expected: int) -> None:
        loaded = counts.inserted + counts.updated + counts.unchanged
        if loaded != expected:
            raise LoadError(f"{self.spec.table}: {expected:,} rows to load, {loaded:,} accounted for")

    def _facts(self, source: Source, reading: SourceReading) -> SourceFacts:
        return SourceFacts(
            source_type=source.source_type,
            source_name=source.name,
            definition_hash=self.spec.definition_hash,
            byte_count=reading.bytes_read,
            content_hash=reading.sha256,
            record_count=reading.lines,
            **self.validators,
        )

    def _unchanged(self, message: str) -> StepResult:
        partition = dict(self.partition.values)
        return StepResult.unchanged(message, dataset=self.partition.dataset, table=self.spec.table, partition=partition)

    def _done(self, reading: SourceReading, rows: TableRows, rejects: list[Reject], counts: MergeCounts) -> StepResult:
        receipt = {
            "load_id": self.load.capture_id,
            "dataset": self.partition.dataset,
            "table": self.spec.table,
            "partition": dict(self.partition.values),
            "lines": reading.lines,
            "rejected": len(rejects),
            "loaded": reading.lines - len(rejects),
            **asdict(counts),
            "reject_reasons": dict(Counter(reject.reason_code for reject in rejects)),
            "empty_columns": rows.empty_columns,
        }
        if rows.empty_columns:
            self.context.log.warning("%s: nothing in %s", self.load.source_name, ", ".join(rows.empty_columns))
        what = ", ".join(f"{number:,} {name}" for name, number in asdict(counts).items() if number) or "no rows"
        message = f"{self.spec.table} {self.partition}: {what}, {len(rejects):,} rejects"
        return (StepResult.done if counts.changed else StepResult.unchanged)(message, **receipt)


def _at_hand(reading: SourceReading) -> ClosableReading:
    """No transaction stays open while a server far away makes up its mind."""
    from spine.sources.file import FileReading
    from spine.sources.spool import SpooledReading

    if isinstance(reading, FileReading):
        return reading

    return SpooledReading(reading)


def _partition(context: StepContext, spec: LoadSpec) -> LoadPartition:
    dataset = spec.dataset or context.workflow
    if not dataset:
        raise ConfigurationError("load: 'dataset' is missing, and there is no workflow to name it after")
    return LoadPartition(dataset, {name: str(spec.columns[name].value) for name in spec.partition})


def _target(spec: LoadSpec) -> Target:
    stamps = tuple(name for name, column in spec.columns.items() if column.stamp is not None)
    key = tuple(spec.key)
    compared = tuple(name for name in spec.columns if name not in (*key, *stamps))
    return Target(spec.table, key, compared, stamps)


def _require_columns(storage: Storage, spec: LoadSpec) -> None:
    """
    :raises ConfigurationError: no such table, or no such column in it.
    """
    known = storage.columns(spec.table)
    if not known:
        tables = did_you_mean(spec.table, storage.tables())
        raise ConfigurationError(f"there is no table '{spec.table}'; {tables} A migration makes one")
    for name in spec.columns:
        if name not in known:
            raise ConfigurationError(f"table {spec.table} has no column '{name}'; {did_you_mean(name, known)}")


load_table = LoadTable()
