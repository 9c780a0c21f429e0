"""What holds for the column names of every format."""

from __future__ import annotations

from collections.abc import Iterable

from spine.core.errors import SourceError
from spine.sources.base import LINE_NUMBER

MAX_LINES_BEFORE = 10_000  # lines or items before the first that names columns; beyond, it is another kind of file


def checked_names(fields: Iterable[str], name: str) -> tuple[str, ...]:
    """Column names that can be told apart.

    :raises SourceError: one is empty, repeated, or ``line_number``, which Spine adds itself.
    """
    names = tuple(fields)
    for position, column in enumerate(names, start=1):
        if not column.strip():
            raise SourceError(f"Column {position} of '{name}' has no name; expected one for each. Correct the header")
        if column in names[: position - 1]:
            first = names.index(column) + 1
            raise SourceError(f"Columns {first} and {position} of '{name}' are both named '{column}'. Rename one")
        if column == LINE_NUMBER:
            raise SourceError(f"Column {position} of '{name}' is named '{LINE_NUMBER}', which Spine adds. Rename it")
    return names
