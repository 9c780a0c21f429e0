"""How many rows IBM's driver is asked for at once: it makes room for all of them, however many there are."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import pytest

from spine.storage.db2_columns import Column
from spine.storage.db2_rows import pieces


class Cursor:
    """A result of many rows."""

    def __init__(self, rows: int) -> None:
        self.left, self.asked = rows, list[int]()

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        self.asked.append(size)
        given = min(size, self.left)
        self.left -= given
        return list(repeat(("x",), given))


@pytest.mark.parametrize(
    ("width", "most", "size"), [(100, 10_000, 10_000), (100, 30, 30), (9000, 10_000, 466), (1 << 20, 10_000, 4)]
)
def test_wide_rows_are_asked_for_few_at_a_time(width: int, most: int, size: int) -> None:
    cursor = Cursor(2 * size + 1)
    sizes = [len(rows) for rows in pieces(cursor, [Column("c", "text", width, 0, 0)], most)]
    assert sizes == [size, size, 1]
    assert set(cursor.asked) == {size}


def test_a_row_wider_than_the_room_is_fetched_by_itself() -> None:
    assert [len(rows) for rows in pieces(Cursor(2), [Column("c", "text", 100 << 20, 0, 0)])] == [1, 1]
