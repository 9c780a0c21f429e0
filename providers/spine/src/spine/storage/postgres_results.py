"""Results of PostgreSQL: the types of NUMERIC columns, and large results through a cursor of the server."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spine.storage.arrow_results import one_batch
from spine.storage.base import QueryResult
from spine.storage.sql import first_word

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.storage.adbc import AdbcSession
    from spine.storage.arrow_results import Batches
    from spine.storage.base import Params

_CURSOR = "spine_result"
_CURSOR_READS = ("SELECT", "WITH", "VALUES", "TABLE")
# Of a NUMERIC without a declared scale (a sum, a mean, a quotient) nothing but a value would tell the scale, and the next
# value may have another. 18 decimals hold sums of quantities exactly and quotients to more digits than a double.
_UNDECLARED = (38, 18)
_MOST_DIGITS = 38


def is_numeric(kind: pa.DataType) -> bool:
    """Whether this is the driver's own type for NUMERIC, which it hands out as text."""
    return getattr(kind, "extension_name", "") == "arrow.opaque" and getattr(kind, "type_name", "") == "numeric"


def natural_type(field: pa.Field) -> pa.DataType:
    """The type of a result's column, which depends on the query alone and not on the rows."""
    import pyarrow as pa

    return pa.decimal128(*_declared(field)) if is_numeric(field.type) else field.type


def _declared(field: pa.Field) -> tuple[int, int]:
    """Precision and scale of ``NUMERIC(p, s)`` from the catalog's type modifier (numeric.c, make_numeric_typmod)."""
    modifier = int((field.metadata or {}).get(b"POSTGRESQL:typmod", -1)) - 4
    precision, scale = modifier >> 16 & 0xFFFF, modifier & 0x7FF
    if modifier < 0 or precision > _MOST_DIGITS or scale > precision:  # negative scales look large
        return _UNDECLARED
    return precision, scale


def python_rows(table: pa.Table) -> QueryResult:
    """Rows with every NUMERIC exactly as the server says it."""
    columns = []
    for column in table.columns:
        values: list[Any] = column.to_pylist()
        if is_numeric(column.type):
            values = [None if text is None else Decimal(text) for text in values]
        columns.append(values)
    return QueryResult(tuple(table.column_names), list(zip(*columns, strict=True)) if columns else [])


def read_batches(session: AdbcSession, sql: str, params: Params | None, batch_rows: int) -> Batches:
    """At least one batch. Call it in a transaction: the cursor lives in it.

    Without the cursor the client library would hold the whole result of a statement with bound values.
    """
    if first_word(sql) not in _CURSOR_READS:
        with session.run(sql, params) as cursor:
            yield one_batch(cursor.fetch_arrow_table())
        return
    with session.run(f"DECLARE {_CURSOR} NO SCROLL CURSOR FOR {sql}", params):
        pass
    fetched = batch_rows
    while fetched == batch_rows:
        # The driver would otherwise put the statement into a COPY, which takes no FETCH.
        with session.run(f"FETCH {batch_rows} FROM {_CURSOR}", None, {"adbc.postgresql.use_copy": "false"}) as cursor:
            batch = one_batch(cursor.fetch_arrow_table())
        fetched = batch.num_rows
        yield batch
