"""Rows of a published table or view into a Parquet or CSV file, reconciled against the ledger."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from spine.core.errors import TransformError, ValidationError
from spine.core.suggest import did_you_mean
from spine.exports.formats import Format, RowWriter, choose_compression, choose_format, writing
from spine.exports.parts import Part, parts_of
from spine.exports.places import MARKER, CountedFile, counted, new_file, new_folder
from spine.exports.receipt import FileReceipt, Receipt
from spine.exports.relations import Relation, find_relation
from spine.exports.selection import Selection
from spine.finra.dataset import OTC_TRANSPARENCY

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.storage.base import Storage

FOLDERS = ("week_ending", "tier", "summary_type")
STDOUT = "standard output"
_BATCH_ROWS = 16_384
Told = Callable[[int, int, int], None]
"""Takes the rows written so far, the rows there will be, and the bytes written so far."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    :param relation: its short name, such as ``symbol_summary``.
    :param target: a file; a folder with ``partition_by``; or an open stream that takes CSV.
    :param file_format: None for the one that the target's name ends in.
    :param columns: in the order wanted; none is all.
    :param partition_by: columns of FOLDERS that become folders ``column=value`` around the files.
    """

    relation: str
    target: Path | BinaryIO
    selection: Selection = field(default_factory=Selection)
    file_format: str | None = None
    compression: str | None = None
    columns: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    force: bool = False

    @property
    def path(self) -> Path | None:
        return self.target if isinstance(self.target, Path) else None


def export(storage: Storage, request: Request, *, now: dt.datetime, told: Told = lambda *_: None) -> Receipt:
    """Write what is asked for; the receipt.

    :param now: when the export is said to be made.
    :raises NothingSelected: there is no such row; :raises ValidationError: the request cannot be met as it is worded;
        :raises TransformError: the rows are not those that the ledger counts; :raises ResourceError: the disk is full.
    """
    relation = find_relation(storage, request.relation)
    work = _Export(storage, request, relation, relation.require_columns(request.columns), now, told)
    work.require_sense()
    parts = parts_of(storage, relation, request.selection)
    work.expected = sum(part.rows for part in parts)
    return work.run(parts)


@dataclass(slots=True)
class _Export:
    storage: Storage
    request: Request
    relation: Relation
    columns: tuple[str, ...]
    now: dt.datetime
    told: Told
    expected: int = 0
    rows: int = 0
    bytes_before: int = 0

    @property
    def file_name(self) -> str:
        return self.request.path.name if self.request.path else "stdout.csv"

    @property
    def format(self) -> Format:
        return choose_format(self.request.file_format, self.file_name)

    @property
    def compression(self) -> str:
        return choose_compression(self.request.compression, self.format, self.file_name)

    @property
    def schema(self) -> pa.Schema:
        import pyarrow as pa

        kept = [name for name in self.columns if name not in self.request.partition_by]
        return pa.schema([pa.field(name, self.relation.types[name]) for name in kept])

    def require_sense(self) -> None:
        """:raises ValidationError: the request contradicts itself."""
        request, _ = self.request, self.compression
        if not request.path and self.format is not Format.CSV:
            raise ValidationError("Parquet does not go to standard output; name a file, or use --format csv")
        for name in request.partition_by:
            if name not in FOLDERS or name not in self.relation.types:
                raise ValidationError(f"partition-by takes no column {name!r}; {did_you_mean(name, FOLDERS)}")
        if request.partition_by and self.format is not Format.PARQUET:
            raise ValidationError("partition-by makes folders of Parquet files; use --format parquet")
        if request.partition_by and self.relation.stage is None:
            raise ValidationError(f"{self.relation.name} has no captures to partition by; leave out partition-by")
        if not self.schema.names:
            raise ValidationError("no column is left beside those of partition-by; name more columns")

    def run(self, parts: list[Part]) -> Receipt:
        path = self.request.path
        if path is None:
            files = [self._write(CountedFile(self.request.target, STDOUT), STDOUT, parts)]  # type: ignore[arg-type]
        elif self.request.partition_by:
            return self._run_folder(path, parts)
        else:
            with new_file(path, force=self.request.force) as file:
                files = [self._write(file, str(path), parts)]
        return self._receipt(files, parts)

    def _run_folder(self, path: Path, parts: list[Part]) -> Receipt:
        with new_folder(path, force=self.request.force) as folder:
            files = []
            for place, group in groupby(sorted(parts, key=self._folder_of), key=self._folder_of):
                name = f"{place}/part-0.parquet"
                with counted(folder / name) as file:
                    files.append(self._write(file, name, list(group)))
                self.bytes_before += file.bytes_written
            receipt = self._receipt(files, parts)
            (folder / MARKER).write_text(json.dumps(receipt.to_dict(), indent=2) + "\n", encoding="utf-8")
        return receipt

    def _folder_of(self, part: Part) -> str:
        return "/".join(f"{name}={getattr(part.capture, name)}" for name in self.request.partition_by)

    def _write(self, file: CountedFile, name: str, parts: list[Part]) -> FileReceipt:
        before = self.rows
        with writing(file, self.format, self.schema, self.compression, self._metadata(parts)) as writer:
            for part in parts:
                self._copy(part, writer, file)
        return FileReceipt(name, self.rows - before, file.bytes_written, file.sha256)

    def _copy(self, part: Part, writer: RowWriter, file: CountedFile) -> None:
        """:raises TransformError: other rows than the ledger counts."""
        before = self.rows
        with self._reading(part) as batches:
            for batch in batches:
                writer.write(batch)
                self.rows += batch.num_rows
                self.told(self.rows, self.expected, self.bytes_before + file.bytes_written)
        found = self.rows - before
        if found != part.rows:
            raise TransformError(
                f"{part.name}: {found:,} rows were read from {self.relation.table} and {part.rows:,} expected. Was it replaced "
                "or pruned meanwhile? Export again; `airflow spine doctor` tells whether the database is damaged"
            )

    @contextmanager
    def _reading(self, part: Part) -> Iterator[Iterator[pa.RecordBatch]]:
        schema = self.schema
        types = {field.name: field.type for field in schema}
        with self.storage.stream_arrow(
            self._query(part.where), part.values, batch_rows=_BATCH_ROWS, types=types
        ) as reader:
            yield iter(reader)

    def _query(self, where: str) -> str:
        columns = ", ".join(f"t.{name}" for name in self.schema.names)
        order = ", ".join(f"t.{name}" for name in self.relation.key)
        return f"SELECT {columns} FROM {self.relation.table} t WHERE {where} ORDER BY {order}"

    def _metadata(self, parts: list[Part]) -> Mapping[str, str]:
        """What a file says of itself. ``query`` reads one capture; values are bound."""
        return {
            "dataset": OTC_TRANSPARENCY.name if self.relation.stage else self.relation.name,
            "table": self.relation.table,
            "query": self._query(parts[0].where),
            "selection": json.dumps(self.request.selection.to_dict()),
            "captures": json.dumps([part.capture.to_dict() for part in parts if part.capture]),
            "exported_at": self.now.isoformat(timespec="seconds"),
        }

    def _receipt(self, files: list[FileReceipt], parts: list[Part]) -> Receipt:
        return Receipt(
            relation=self.relation.name,
            table=self.relation.table,
            storage=self.storage.describe(),
            target=str(self.request.path or STDOUT),
            file_format=str(self.format),
            compression=self.compression,
            columns=self.columns,
            selection=self.request.selection.to_dict(),
            rows=self.rows,
            counted_by="ledger" if self.relation.stage and not self.request.selection.symbols else "database",
            files=tuple(files),
            captures=tuple(part.capture for part in parts if part.capture),
            exported_at=self.now,
        )
