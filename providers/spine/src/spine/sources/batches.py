"""Text rows as record batches, and the rejects that stand beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spine.sources.base import LINE_NUMBER, RAW_TEXT_LIMIT, RejectedLine

MAX_ROWS = 65_536  # lines handled at a time where each costs Python objects
RAW_BYTES_LIMIT = 4 * RAW_TEXT_LIMIT  # enough bytes for RAW_TEXT_LIMIT characters of UTF-8

LineNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is no row."""

    reason_code: str
    detail: str

    def rejects(self, line_number: int, raw: bytes) -> RejectedLine:
        return RejectedLine(line_number, self.reason_code, self.detail, shown(raw))


def shown(raw: bytes) -> str:
    """The start of a line as storable text: what is not UTF-8, and NUL, which databases refuse, become U+FFFD."""
    text = raw[:RAW_BYTES_LIMIT].decode("utf-8", "replace")
    return text[:RAW_TEXT_LIMIT].replace("\0", "\ufffd")


def field_count_fault(expected: int, found: int) -> Fault:
    return Fault("FIELD_COUNT", f"expected {expected} fields, found {found}")


def line_too_long_fault(length: int, limit: int) -> Fault:
    return Fault("LINE_TOO_LONG", f"the line is {length} bytes long, {limit} are allowed")


def text_schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([*((name, pa.string()) for name in columns), (LINE_NUMBER, pa.int64())])


def text_batch(columns: Sequence[str], rows: Sequence[Sequence[str]], line_numbers: Sequence[int]) -> pa.RecordBatch:
    """Rows of text with the line each stood on."""
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [pa.array(column, pa.string()) for column in values]
    return pa.record_batch([*arrays, pa.array(line_numbers, pa.int64())], schema=text_schema(columns))


def numbered(rows: pa.RecordBatch, line_numbers: LineNumbers) -> pa.RecordBatch:
    """The text columns with their line numbers as last column."""
    return pa.record_batch([*rows.columns, pa.array(line_numbers)], schema=text_schema(rows.schema.names))
