"""Rows of a source into rows of a table: columns found, typed and filled; what cannot be is a reject with its raw row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spine.core.errors import SourceError
from spine.core.rejects import Reject
from spine.core.suggest import did_you_mean
from spine.pipelines.load_spec import ColumnSpec, LoadSpec, Stamp, fields_of
from spine.pipelines.load_types import REASONS, cleaned, constant, convert
from spine.sources.base import LINE_NUMBER, SourceBatch, SourceReading

MAX_REJECTS = 100_000
NULL_VALUE = "NULL_VALUE"


class TableRows:
    """One pass over a source. Its counts are complete when the iteration has ended.

    :param stamps: what the run puts into stamped columns.
    """

    def __init__(self, spec: LoadSpec, reading: SourceReading, name: str, stamps: Mapping[Stamp, Any]) -> None:
        self.typed = 0
        self.rejects: list[Reject] = []
        self._reading, self._name, self._stamps = reading, name, stamps
        self._columns = spec.columns
        self._key = set(spec.key)
        self._filled = dict.fromkeys(spec.columns, False)
        self._fields = {column: self._present(column, each) for column, each in spec.columns.items()}
        self._constants = {
            column: constant(each.value if each.value is not None else each.default, each.type)
            for column, each in spec.columns.items()
        }

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._reading:
            rows = self._typed(batch)
            self.typed += rows.num_rows
            if len(self.rejects) > MAX_REJECTS:
                raise SourceError(
                    f"{self._name}: more than {MAX_REJECTS:,} rows were rejected, the first {self.example()}; is this the right "
                    "source?"
                )
            if rows.num_rows:
                yield rows

    def example(self) -> str:
        first = self.rejects[0]
        return f"line {first.line_number}, {first.reason_code}: {first.reason_detail}"

    @property
    def empty_columns(self) -> list[str]:
        """Columns that are read and were empty in every row: perhaps a field has another name now."""
        return (
            [name for name, filled in self._filled.items() if self._fields[name] and not filled] if self.typed else []
        )

    def _present(self, column: str, spec: ColumnSpec) -> list[str]:
        """
        :raises SourceError: the source has none of the fields.
        """
        wanted = fields_of(column, spec)
        known = self._reading.columns
        found = [name for name in wanted if name in known]
        if wanted and known and not found:
            raise SourceError(
                f"'{self._name}' has no field {' or '.join(repr(name) for name in wanted)} for column '{column}'; "
                f"{did_you_mean(wanted[0], known)}"
            )
        return found

    def _typed(self, batch: SourceBatch) -> pa.RecordBatch:
        self.rejects += [
            Reject(line.line_number, line.reason_code, line.detail, {"raw": line.raw_text}) for line in batch.rejects
        ]
        source, count = batch.rows, batch.rows.num_rows
        faults: dict[int, tuple[str, str]] = {}
        arrays = [self._column(name, source, count, faults) for name in self._columns]
        self.rejects += [self._reject(source, index, *faults[index]) for index in sorted(faults)]
        rows = pa.record_batch([*arrays, source.column(source.num_columns - 1)], names=[*self._columns, LINE_NUMBER])
        if faults:
            good = pa.array([index not in faults for index in range(count)])
            rows = rows.filter(good)
        for name in self._columns:
            self._filled[name] = self._filled[name] or rows.column(name).null_count < rows.num_rows
        return rows

    def _column(self, name: str, source: pa.RecordBatch, count: int, faults: dict[int, tuple[str, str]]) -> pa.Array:
        spec = self._columns[name]
        if spec.stamp is not None:
            return pa.repeat(_stamp_scalar(self._stamps[spec.stamp]), count)
        if not self._fields[name]:
            return pa.repeat(self._constants[name], count)
        text = pc.coalesce(*(cleaned(source.column(field)) for field in self._fields[name]))
        found = convert(text, spec.type)
        _note(faults, found.unreadable, lambda index: self._unreadable(name, text[index].as_py()))
        values = found.values
        if spec.default is not None:
            values = pc.fill_null(values, self._constants[name])
        if not spec.nullable or name in self._key:
            _note(faults, pc.is_null(values), lambda index: (NULL_VALUE, f"{name}: it is empty"))
        return values

    def _unreadable(self, name: str, text: str) -> tuple[str, str]:
        code, expected = REASONS[self._columns[name].type]
        return code, f"{name}: {text[:100]!r} is not {expected}"

    def _reject(self, source: pa.RecordBatch, index: int, code: str, detail: str) -> Reject:
        raw = source.slice(index, 1).to_pylist()[0]
        line = raw.pop(LINE_NUMBER)
        key = "|".join(raw[self._fields[name][0]] for name in self._columns if name in self._key and self._fields[name])
        return Reject(line, code, detail, raw, record_key=key)


def _note(faults: dict[int, tuple[str, str]], broken: pa.Array, explain: Any) -> None:
    """The first fault of a row is the one that is told."""
    if pc.any(broken).as_py():
        for index in pc.indices_nonzero(broken).to_pylist():
            faults.setdefault(index, explain(index))


def _stamp_scalar(value: Any) -> pa.Scalar:
    import datetime as dt

    kind = pa.timestamp("us", "UTC") if isinstance(value, dt.datetime) else pa.string()
    return pa.scalar(value, kind)


def conflicting_rows(
    repeated: Iterable[Mapping[str, Any]], key: Iterable[str], compared: Iterable[str]
) -> list[Reject]:
    """Rejects among staged rows of one key: of equal rows the first stays; of different ones none, since nothing says which
    is right."""
    key, compared = tuple(key), tuple(compared)
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in repeated:
        groups.setdefault(tuple(row[name] for name in key), []).append(row)
    rejects = []
    for rows in groups.values():
        lines = [int(row[LINE_NUMBER]) for row in rows]
        if len({tuple(row[name] for name in compared) for row in rows}) > 1:
            code, refused = "CONFLICTING_KEY", rows
            detail = f"lines {', '.join(map(str, lines[:10]))} give different values for one key; none is loaded"
        else:
            code, refused, detail = "DUPLICATE_ROW", rows[1:], f"the same as line {lines[0]}"
        for row in refused:
            raw = {name: value for name, value in row.items() if name != LINE_NUMBER}
            rejects.append(Reject(int(row[LINE_NUMBER]), code, detail, raw, "|".join(str(row[name]) for name in key)))
    return rejects
