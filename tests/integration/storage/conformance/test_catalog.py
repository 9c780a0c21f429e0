"""Which tables and columns there are, views among them."""

from __future__ import annotations

import pytest

from spine.core.errors import SpineError
from spine.storage.base import Storage
from tests.support.things import COLUMNS, create_things

pytestmark = pytest.mark.integration


def test_tables_and_views_are_there_as_they_are_made_and_dropped(storage: Storage) -> None:
    assert storage.tables() == []
    create_things(storage)
    storage.execute("CREATE VIEW all_things AS SELECT id, name AS called FROM things")
    assert storage.tables() == ["all_things", "things"]
    storage.execute("DROP VIEW all_things")
    storage.execute("DROP TABLE things")
    assert storage.tables() == []


def test_columns_come_in_their_order_with_a_type(things: Storage) -> None:
    things.execute("CREATE VIEW all_things AS SELECT quantity, id, name AS called FROM things")
    assert list(things.columns("things")) == list(COLUMNS)
    assert list(things.columns("all_things")) == ["quantity", "id", "called"]
    for table in ("things", "all_things"):
        assert all(isinstance(kind, str) for kind in things.columns(table).values())
    assert all(things.columns("things").values())


def test_columns_of_one_kind_have_one_type_and_others_another(things: Storage) -> None:
    things.execute(
        f"CREATE TABLE others (named {things.dialect.types['text']}, amount {things.dialect.types['decimal']})"
    )
    kinds, others = things.columns("things"), things.columns("others")
    assert (others["named"], others["amount"]) == (kinds["name"], kinds["quantity"])
    assert len({kinds[name] for name in ("id", "name", "quantity", "ratio")}) == 4


def test_a_column_that_is_added_comes_last(things: Storage) -> None:
    things.execute(f"ALTER TABLE things ADD COLUMN added {things.dialect.types['instant']}")
    assert list(things.columns("things")) == [*COLUMNS, "added"]


@pytest.mark.parametrize("name", ["nothing", "", "thing", "things; DROP TABLE things", "THINGS2", "%", "thing_"])
def test_what_is_not_there_has_no_columns(things: Storage, name: str) -> None:
    assert things.columns(name) == {}
    assert things.tables() == ["things"]


def test_what_a_transaction_makes_is_there_when_it_commits(storage: Storage) -> None:
    with pytest.raises(SpineError), storage.transaction() as session:
        session.execute("CREATE TABLE early (id INTEGER)")
        session.execute("INSERT INTO nowhere VALUES (1)")
    assert storage.tables() == []
    with storage.transaction() as session:
        session.execute("CREATE TABLE early (id INTEGER)")
    assert storage.tables() == ["early"]
