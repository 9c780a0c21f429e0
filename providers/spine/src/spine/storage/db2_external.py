"""Db2's other way of bulk load: the driver sends a file, which one INSERT reads as a transient external table.

Written after IBM's documentation of Db2 11.5 (CREATE EXTERNAL TABLE) and never run against a server. An ordinary INSERT,
so rows and ledger share a transaction. The LOAD utility, faster still, commits by itself and is not logged: a load that
fails would leave rows without a ledger, or a table that waits for a DBA, so it is not offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from spine.storage.sql import checked_identifier

if TYPE_CHECKING:
    import pyarrow as pa

    from spine.storage.db2_columns import Column

_DELIMITER, _ESCAPE, _NULL = "|", "\\", "NULL"
_ESCAPED = (_ESCAPE, _DELIMITER, "\n", "\r")
_OPTIONS = (
    # The path is one of the driver's machine, not of the server's.
    "REMOTESOURCE 'YES'",
    f"DELIMITER '{_DELIMITER}'",
    f"ESCAPECHAR '{_ESCAPE}'",
    f"NULLVALUE '{_NULL}'",
    "CCSID 1208",  # UTF-8
    "CTRLCHARS TRUE",
    "DATESTYLE 'YMD'",
    "DATEDELIM '-'",
    "MAXERRORS 1",  # the first row that is refused refuses all
)


def insert_statement(table: str, columns: Sequence[Column], path: Path) -> str:
    """The statement that appends a file of ``write_rows``; what it refuses is told in files beside that one."""
    names = ", ".join(checked_identifier(column.name) for column in columns)
    defined = ", ".join(f"{checked_identifier(column.name)} {column.sql_type}" for column in columns)
    options = " ".join((*_OPTIONS, f"LOGDIR {_quoted(path.parent)}"))
    return (
        f"INSERT INTO {checked_identifier(table)} ({names}) SELECT {names} "
        f"FROM EXTERNAL {_quoted(path)} ({defined}) USING ({options})"
    )


@contextmanager
def file_of(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Path, int]]:
    """A file of the batches' rows in a folder that only this user may read, and how many rows; both go at the end."""
    with TemporaryDirectory(prefix="spine-db2-") as folder:
        path, rows = Path(folder) / "rows.dat", 0
        with path.open("w", encoding="utf-8", newline="") as file:
            for batch in batches:
                file.writelines(f"{line}\n" for line in lines_of(batch).to_pylist())
                rows += batch.num_rows
        yield path, rows


def lines_of(batch: pa.RecordBatch) -> pa.Array:
    """A line of text for each row."""
    import pyarrow.compute as pc

    fields = [pc.fill_null(_field(column), _NULL) for column in batch.columns]
    return pc.binary_join_element_wise(*fields, _DELIMITER)


def _field(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = column.cast(pa.string())
    if not pa.types.is_string(column.type):
        return text
    for character in _ESCAPED:
        text = pc.replace_substring(text, character, _ESCAPE + character)
    # The word in whatever case would be read as no value.
    means_null = pc.equal(pc.utf8_upper(text), _NULL)
    return pc.if_else(means_null, pc.binary_join_element_wise(_ESCAPE, text, ""), text)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
