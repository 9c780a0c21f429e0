"""Pages set aside until a pull is known to be complete."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from spine.core.errors import SourceError
from spine.finra.pages import Page
from spine.sources.spool import IN_MEMORY, BatchSpool

_BETWEEN_VALUES = "\x1f"


class Spool:
    """The rows of one pull, in order; readable once filled, as often as needed, until closed.

    :param in_memory: bytes kept out of the temporary file.

    ``sha256`` is over the bodies as received (after HTTP decompression), in page order, header lines included.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self.columns: tuple[str, ...] = ()
        self.rows = 0
        self.bytes_received = 0
        self._digest = hashlib.sha256()
        self._batches = BatchSpool(in_memory)
        self._hashes: list[NDArray[np.int64]] = []

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def add(self, page: Page) -> None:
        """:raises SourceError: the page has other columns than those before."""
        self._digest.update(page.body)
        self.bytes_received += len(page.body)
        names = tuple(page.rows.schema.names)
        self.columns = self.columns or names
        if not len(page):
            return
        if names != self.columns:
            raise SourceError(
                f"the columns changed from {', '.join(self.columns)} to {', '.join(names)} within one query. "
                "Name the fields, or try again"
            )
        self._batches.add(page.rows)
        self.rows += len(page)
        self._hashes.append(_row_hashes(page.rows))

    def repeated_rows(self) -> int:
        """Rows that more than one page brought: the order shifted between them."""
        if len(self._hashes) < 2:
            return 0
        return sum(len(each) for each in self._hashes) - len(_distinct(np.concatenate(self._hashes)))

    def batches(self) -> Iterator[pa.RecordBatch]:
        return iter(self._batches)

    def close(self) -> None:
        self._batches.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _row_hashes(rows: pa.RecordBatch) -> NDArray[np.int64]:
    """One number for each distinct row; what one page repeats is FINRA's own doing, and judged later."""
    joined = pc.binary_join_element_wise(*rows.columns, _BETWEEN_VALUES).to_pylist()
    return _distinct(np.fromiter(map(hash, joined), np.int64, len(joined)))


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each number once. Sorting does it forty times faster than np.unique, which builds a hash table."""
    ordered = np.sort(numbers)
    distinct: NDArray[np.int64] = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    return distinct
