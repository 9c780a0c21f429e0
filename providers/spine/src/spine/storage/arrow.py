"""Arrow tables and batches at the edge of a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from spine.core.errors import LoadError
from spine.storage.base import QueryResult
from spine.storage.storable import refuse_unstorable

if TYPE_CHECKING:
    import pyarrow as pa


def to_rows(table: pa.Table) -> QueryResult:
    """Python rows of an Arrow result."""
    columns = [column.to_pylist() for column in table.columns]
    return QueryResult(tuple(table.column_names), list(zip(*columns, strict=True)) if columns else [])


def conform(
    batch: pa.RecordBatch, schema: pa.Schema, convert: Callable[[pa.Array, pa.DataType], pa.Array]
) -> pa.RecordBatch:
    """The batch with its columns in the types of ``schema``.

    :raises LoadError: other columns than those of the first batch, or values that the type cannot hold.
    """
    import pyarrow as pa

    refuse_unstorable(batch)
    if batch.schema.equals(schema):
        return batch
    if batch.schema.names != schema.names:
        raise LoadError(f"a batch has columns {', '.join(batch.schema.names)}; expected {', '.join(schema.names)}")
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        try:
            columns.append(column if column.type == field.type else convert(column, field.type))
        except pa.ArrowException as error:
            raise LoadError(f"column {field.name} ({column.type}) cannot be stored as {field.type}: {error}") from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)
