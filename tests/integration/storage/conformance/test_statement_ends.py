"""A statement may end as people end them: every way to read takes it."""

from __future__ import annotations

import pytest

from spine.storage.base import Storage

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "end", ["", ";", " -- a remark", "; -- a remark", ";\n-- a remark\n", " /* a remark */ ;", " --"]
)
def test_however_a_query_ends(storage: Storage, end: str) -> None:
    sql = f"SELECT 'a;b' AS word {storage.dialect.no_table}{end}"
    assert storage.query(sql).rows == [("a;b",)]
    assert storage.read_arrow(sql).to_pylist() == [{"word": "a;b"}]
    assert list(storage.stream(sql)) == [{"word": "a;b"}]


def test_however_a_query_with_a_value_ends(storage: Storage) -> None:
    storage.execute("CREATE TABLE known (id INTEGER)")
    storage.execute("INSERT INTO known VALUES (:id); -- one", {"id": 1})
    assert storage.query("SELECT id FROM known WHERE id = :id; -- one", {"id": 1}).rows == [(1,)]
