"""Whether two observations hold the same rows, in whatever order they came."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

_ODD = 0x9E3779B97F4A7C15  # 2**64 / golden ratio: the multiplier of Fibonacci hashing
_NULL = 0x6A09E667F3BCC908


class ContentHash:
    """A digest of a multiset of rows: the sum of their 64-bit hashes, and how many they are.

    A sum does not depend on order, so FINRA's unordered API answers compare equal to the sorted file. 64 bits answer the
    question whether FINRA changed a number (a change goes unseen once in 1.8e19), not whether someone forges a file. The
    hash is built from BLAKE2b and integer arithmetic alone, so a stored one stays comparable for ever.
    """

    def __init__(self) -> None:
        self._sum = 0
        self._count = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Take in a batch; ``line_number`` does not count as content, column order does."""
        import numpy as np

        hashes = np.zeros(rows.num_rows, np.uint64)
        for name, column in zip(rows.schema.names, rows.columns, strict=True):
            if name != "line_number":
                hashes = _mix(hashes ^ _column_words(column))
        self._sum = (self._sum + int(hashes.sum(dtype=np.uint64))) % 2**64
        self._count += rows.num_rows

    def hexdigest(self) -> str:
        return hashlib.sha256(f"{self._count}:{self._sum}".encode()).hexdigest()


def _mix(words: Words) -> Words:
    """Spread every bit over the word (one round of splitmix64), so that columns do not cancel each other out."""
    import numpy as np

    words = (words + np.uint64(_ODD)) * np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _column_words(column: pa.Array) -> Words:
    """One word for each value."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_decimal(column.type):
        words = _decimal_words(column)
    elif pa.types.is_string(column.type):
        return _text_words(column)
    else:
        words = column.cast(pa.int32() if pa.types.is_date(column.type) else pa.int64()).fill_null(0).to_numpy(
            zero_copy_only=False
        ).astype(np.int64).view(np.uint64)  # fmt: skip
    if column.null_count:
        words = np.where(column.is_null().to_numpy(zero_copy_only=False), np.uint64(_NULL), words)
    return words


def _decimal_words(column: pa.Array) -> Words:
    """Both halves of the 128-bit integer behind a decimal, folded into one word."""
    import numpy as np

    halves = np.frombuffer(column.buffers()[1], np.uint64)[2 * column.offset :][: 2 * len(column)].reshape(-1, 2)
    folded: Words = halves[:, 0] ^ (halves[:, 1] * np.uint64(_ODD))
    return folded


def _text_words(column: pa.Array) -> Words:
    """Each distinct text is hashed once."""
    import numpy as np

    encoded: Any = column.dictionary_encode(null_encoding="encode")
    distinct = [_text_word(value) for value in encoded.dictionary.to_pylist()]
    words: Words = np.array(distinct, np.uint64)[encoded.indices.to_numpy()]
    return words


def _text_word(value: str | None) -> int:
    return _NULL if value is None else int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest(), "little")
