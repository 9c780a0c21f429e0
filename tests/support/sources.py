"""Reading a whole source into plain values, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spine.sources.base import RejectedLine, Source
from spine.sources.file import FileSource


@dataclass(frozen=True, slots=True)
class WholeRead:
    """Everything one reading gave.

    :param rows: each row's text values, by its line number.
    """

    columns: tuple[str, ...]
    rows: dict[int, tuple[str, ...]]
    rejects: list[RejectedLine]
    lines: int
    bytes_read: int
    sha256: str

    @property
    def reasons(self) -> dict[int, str]:
        return {reject.line_number: reject.reason_code for reject in self.rejects}

    @property
    def values(self) -> list[tuple[str, ...]]:
        return list(self.rows.values())


def read_file(path: Path, **options: Any) -> WholeRead:
    """Read a file through FileSource with its folder as root, checking what holds of every batch."""
    return read_source(FileSource(path.name, root=path.parent, **options))


def read_source(source: Source) -> WholeRead:
    """Read any source, checking what holds of every batch."""
    reading = source.read()
    rows: dict[int, tuple[str, ...]] = {}
    rejects: list[RejectedLine] = []
    for batch in reading:
        assert batch.rows.schema.names == [*reading.columns, "line_number"]
        numbers = batch.rows.column(batch.rows.num_columns - 1).to_pylist()
        assert numbers == sorted(numbers)
        batch.rows.validate(full=True)
        texts = [column.to_pylist() for column in batch.rows.columns[:-1]]
        rows.update(zip(numbers, zip(*texts, strict=True), strict=True))
        rejects.extend(batch.rejects)
    assert reading.lines == len(rows) + len(rejects)
    return WholeRead(reading.columns, rows, rejects, reading.lines, reading.bytes_read, reading.sha256)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
