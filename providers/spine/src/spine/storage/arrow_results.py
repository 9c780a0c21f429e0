"""Arrow results: one type per column from the first batch to the last, and values converted to it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from spine.core.errors import ConfigurationError, SpineError, TransformError
from spine.core.suggest import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

    Batches = Generator[pa.RecordBatch, None, None]

Types = Mapping[str, Any]
"""Arrow types of result columns, by name."""

BATCH_ROWS = 50_000
_DIGITS = 38


def result_schema(natural: pa.Schema, types: Types | None) -> pa.Schema:
    """The schema of a result: its own types, and instead of those the ones asked for.

    :raises ConfigurationError: a type is asked for a column that is not there.
    """
    import pyarrow as pa

    wanted = types or {}
    for name in wanted:
        if name not in natural.names:
            raise ConfigurationError(f"the result has no column {name!r}; {did_you_mean(name, natural.names)}")
    return pa.schema([pa.field(field.name, wanted.get(field.name, field.type)) for field in natural])


def with_types(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the types of ``schema``, column by column in order.

    :raises TransformError: a value that its type cannot hold.
    """
    import pyarrow as pa

    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        try:
            columns.append(as_type(column, field.type))
        except pa.ArrowException as error:
            raise TransformError(
                f"column {field.name} holds what {field.type} cannot: {error}; CAST it in the query, or name another type "
                f"for it (types={{'{field.name}': ...}})"
            ) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def as_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values in another type. Decimals are rounded half away from zero to the scale of ``kind``, as databases do.

    :raises pa.ArrowException: a value that it cannot hold.
    """
    import pyarrow as pa

    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if column.type == kind:
        return column
    if not pa.types.is_decimal(kind):
        return column.cast(kind)
    if pa.types.is_integer(column.type):
        return column.cast(pa.decimal128(_DIGITS, kind.scale)).cast(kind)
    if pa.types.is_floating(column.type):
        return column.cast(kind)
    return _rounded(column, kind)


def _rounded(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Text or decimals as decimals."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return column.cast(kind)
    except pa.ArrowInvalid:  # more decimals than the type has
        if pa.types.is_string(column.type):
            cut = pc.replace_substring_regex(column, rf"(\.[0-9]{{{_DIGITS}}})[0-9]+", r"\1")
            column = cut.cast(pa.decimal256(2 * _DIGITS, _DIGITS))
        return pc.round(column, kind.scale, round_mode="half_towards_infinity").cast(kind)


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """A small table as a batch, with or without rows."""
    import pyarrow as pa

    columns = [column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


@contextmanager
def one_reader(batches: Batches, place: str) -> Iterator[pa.RecordBatchReader]:
    """A reader over batches, of which there is at least one, empty or not; they are closed when the block ends."""
    import pyarrow as pa

    ended = False

    def passed_on() -> Iterator[pa.RecordBatch]:
        for batch in chain([first], batches):
            if batch.num_rows:
                yield batch
        if ended:  # what is left would otherwise look like the end of the result
            raise SpineError(f"{place}: the stream is being read outside of its `with` block")

    with closing(batches):
        first = next(batches)
        try:
            yield pa.RecordBatchReader.from_batches(first.schema, passed_on())
        finally:
            ended = True
