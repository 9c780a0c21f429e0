"""Whether two observations hold the same rows, in whatever order they came."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class ContentHash:
    """A digest of a multiset of rows: sums of two 64-bit halves of each row's MD5, and the count.

    A sum does not depend on order, so FINRA's unordered API answers compare equal to the sorted file. MD5 is good enough:
    the question is whether FINRA changed a number, not whether someone forges a file.
    """

    def __init__(self) -> None:
        import duckdb

        self._duckdb = duckdb.connect(config={"threads": 1})
        self._sums = [0, 0]
        self._count = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Take in a batch; ``line_number`` does not count as content."""
        import pyarrow as pa

        if rows.num_rows == 0:
            return
        names = [name for name in rows.schema.names if name != "line_number"]
        self._duckdb.register("rows", pa.Table.from_batches([rows]))
        # NULL is told apart from '' by the unit separator that stands in for it.
        text = ", ".join(f"coalesce(CAST({name} AS VARCHAR), chr(31))" for name in names)
        low, high = self._duckdb.execute(
            f"SELECT sum(md5_number_lower(line)::HUGEINT), sum(md5_number_upper(line)::HUGEINT) "
            f"FROM (SELECT concat_ws(chr(30), {text}) AS line FROM rows)"
        ).fetchone() or (0, 0)
        self._sums = [self._sums[0] + int(low), self._sums[1] + int(high)]
        self._count += rows.num_rows

    def hexdigest(self) -> str:
        return hashlib.sha256(f"{self._count}:{self._sums[0]}:{self._sums[1]}".encode()).hexdigest()

    def close(self) -> None:
        self._duckdb.close()
