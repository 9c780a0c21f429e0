"""What an export leaves for whoever asked for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spine.exports.parts import Capture


@dataclass(frozen=True, slots=True)
class FileReceipt:
    """
    :param path: below the target, where that is a folder.
    """

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    :param counted_by: against what the rows were reconciled: the ledger, or a count where a filter by symbol, or a table
        without captures, leaves the ledger nothing to say.
    """

    relation: str
    table: str
    storage: str
    target: str
    file_format: str
    compression: str
    columns: tuple[str, ...]
    selection: Mapping[str, Any]
    rows: int
    counted_by: str
    files: tuple[FileReceipt, ...]
    captures: tuple[Capture, ...]
    exported_at: dt.datetime

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "relation": self.relation,
            "table": self.table,
            "storage": self.storage,
            "target": self.target,
            "format": self.file_format,
            "compression": self.compression,
            "columns": list(self.columns),
            "selection": dict(self.selection),
            "rows": self.rows,
            "counted_by": self.counted_by,
            "bytes": self.bytes,
            "sha256": self.files[0].sha256 if len(self.files) == 1 else None,
            "files": [asdict(file) for file in self.files],
            "captures": [capture.to_dict() for capture in self.captures],
            "exported_at": self.exported_at.isoformat(timespec="seconds"),
        }
