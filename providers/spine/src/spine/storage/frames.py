"""Results for analysts: Arrow tables and pandas frames in which decimals stay decimals and dates stay dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spine.storage.column_types import known_types
from spine.storage.sql import subquery

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from spine.storage.arrow_results import Types
    from spine.storage.base import Params, Storage


def read_arrow(storage: Storage, sql: str, params: Params | None = None, *, types: Types | None = None) -> pa.Table:
    """The whole result of a query.

    SQLite does not know dates, instants or decimals. There a column that bears the name of one of the database's own
    columns (``week_ending``, ``total_volume``, ...) is read as that is declared.

    :param types: Arrow types for columns, by name, instead.
    :raises TransformError: a value that its type cannot hold.
    """
    return storage.read_arrow(sql, params, types={**_declared(storage, sql, params), **(types or {})})


def read_pandas(
    storage: Storage, sql: str, params: Params | None = None, *, types: Types | None = None
) -> pd.DataFrame:
    """As ``read_arrow``, with columns of ``pandas.ArrowDtype``: NULL is ``<NA>``, and integers with gaps stay integers."""
    import pandas as pd

    frame: pd.DataFrame = read_arrow(storage, sql, params, types=types).to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _declared(storage: Storage, sql: str, params: Params | None) -> dict[str, Any]:
    if storage.dialect.types["date"] != "TEXT":
        return {}
    names = storage.read_arrow(f"SELECT * FROM {subquery(sql)} shape WHERE 1 = 0", params).column_names
    return {name: kind for name, kind in known_types(storage).items() if name in names}
