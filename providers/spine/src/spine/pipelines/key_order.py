"""Whether rows come in the strict order of their keys, which proves that no key repeats without a pass over the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class KeyOrder:
    """Watches the pairs (symbol, MPID) of batches that come one after the other."""

    ascends: bool = True
    _last: tuple[str, str] | None = None

    def add(self, rows: pa.RecordBatch) -> None:
        """Take in a batch; once out of order, nothing more is looked at."""
        if not self.ascends or not rows.num_rows:
            return
        symbols, mpids = rows.column("symbol"), rows.column("mpid")
        first = (symbols[0].as_py(), mpids[0].as_py())
        self.ascends = (self._last is None or self._last < first) and _ascend(symbols, mpids)
        self._last = (symbols[-1].as_py(), mpids[-1].as_py())


def _ascend(symbols: pa.Array, mpids: pa.Array) -> bool:
    """Whether each pair is greater than the one before it, text being compared by its bytes."""
    import pyarrow.compute as pc

    before, after = slice(None, -1), slice(1, None)
    same_symbol = pc.and_(pc.equal(symbols[before], symbols[after]), pc.less(mpids[before], mpids[after]))
    greater = pc.or_(pc.less(symbols[before], symbols[after]), same_symbol)
    return bool(pc.all(greater).as_py() is not False)
