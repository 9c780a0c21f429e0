"""Results of SQLite bit by bit, in one type per column although SQLite has types per value.

The driver infers a column's type from its first batch of rows and refuses later values of another. So it is given a row
in front whose values have the types: those that were asked for, and for other columns what one pass over the whole result
finds (numbers with and without fractions are doubles, numbers and text are text). A result that is read at once has the
same types, because the driver then infers them from all of it; but numbers among text it then writes as 1.000000e+00.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spine.storage.arrow_results import one_batch
from spine.storage.sql import subquery

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.storage.adbc import AdbcSession
    from spine.storage.arrow_results import Batches, Types
    from spine.storage.base import Params

BATCH_ROWS_OPTION = "adbc.sqlite.query.batch_rows"


def read_batches(session: AdbcSession, sql: str, params: Params | None, batch_rows: int, types: Types) -> Batches:
    """At least one batch. Call it in a transaction: it reads more than once."""
    most = 0 if types else batch_rows + 1  # a result that fits into one batch is read once
    page = session.read_arrow(f"SELECT * FROM {subquery(sql)} LIMIT {most}", params)
    if not types and page.num_rows <= batch_rows:
        yield one_batch(page)
        return
    natural = page.schema
    del page
    if any(name not in types for name in natural.names):
        natural = _stored(session, sql, params, natural)
    statement = _typed_statement(sql, natural, types)
    with session.run(statement, params, {BATCH_ROWS_OPTION: str(batch_rows)}) as cursor:
        for number, batch in enumerate(cursor.fetch_record_batch()):
            typed = batch if number else batch.slice(1)
            yield typed.rename_columns(natural.names)


def _stored(session: AdbcSession, sql: str, params: Params | None, page: pa.Schema) -> pa.Schema:
    """The type of each column for every row of the result."""
    import pyarrow as pa

    names = [_quoted(name) for name in page.names]
    kinds = ("text", "blob", "real")
    found = ", ".join(f"MAX(typeof({name}) = '{kind}')" for name in names for kind in kinds)
    flags = iter(session.query(f"SELECT {found} FROM ({sql}\n)", params).rows[0])
    types = []
    for is_text, is_blob, is_real in zip(flags, flags, flags, strict=True):
        number = pa.float64() if is_real else pa.int64()
        types.append(pa.binary() if is_blob else pa.string() if is_text else number)
    return pa.schema(zip(page.names, types, strict=True))


def _typed_statement(sql: str, natural: pa.Schema, types: Types) -> str:
    columns = [(_quoted(field.name), types.get(field.name, field.type)) for field in natural]
    firsts = ", ".join(_example(kind) for _, kind in columns)
    values = ", ".join(_value(name, kind) for name, kind in columns)
    return f"SELECT {firsts} UNION ALL SELECT {values} FROM ({sql}\n)"


def _example(kind: pa.DataType) -> str:
    """A value of the storage class in which the driver hands out a column."""
    import pyarrow as pa

    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "0"
    if pa.types.is_floating(kind):
        return "0.5"
    return "x''" if pa.types.is_binary(kind) else "''"


def _value(name: str, kind: pa.DataType) -> str:
    """A column in that class: decimals as text, in which whole numbers and fractions are as exact as they are stored."""
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return f"CASE typeof({name}) WHEN 'real' THEN printf('%!.{kind.scale}f', {name}) ELSE {name} END"
    return name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
