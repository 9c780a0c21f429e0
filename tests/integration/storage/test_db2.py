"""Of Db2 alone, with IBM's driver over DRDA against Apache Derby, not Db2."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from spine.core.errors import ConfigurationError, DependencyError, PermissionDenied, SpineError, TransformError
from spine.storage.db2 import Db2Storage
from spine.storage.db2_place import Db2Place
from tests.support.db2_wire.server import DATABASE
from tests.support.storage import open_storage

pytestmark = pytest.mark.integration


def refused(url: str) -> SpineError:
    with pytest.raises(SpineError) as caught, open_storage(url) as storage:
        storage.query("VALUES 1")
    assert "s3cret" not in str(caught.value.to_dict())
    return caught.value


def test_what_keeps_a_connection_from_being_made(db2_url: str) -> None:
    assert isinstance(refused(db2_url.replace(":app@", ":s3cret@")), PermissionDenied)
    assert isinstance(refused(db2_url.replace(f"/{DATABASE}", "/NOWHERE")), ConfigurationError)
    absent = refused(db2_url.replace(str(urlsplit(db2_url).port), "1"))
    assert isinstance(absent, DependencyError) and absent.retryable


def test_a_stream_takes_back_what_it_should_not_have_done(db2_url: str) -> None:
    with open_storage(db2_url) as storage:
        storage.execute("CREATE TABLE known (id INTEGER)")
        for statement in ("INSERT INTO known VALUES (1)", "-- SELECT\nDELETE FROM known"):
            with pytest.raises(PermissionDenied, match="only reads"):
                list(storage.stream(statement))
        assert storage.query("SELECT id FROM known").rows == []


def test_names_are_lower_case_unless_quoted_otherwise(db2_url: str) -> None:
    with open_storage(db2_url) as storage:
        storage.execute('CREATE TABLE known (id INTEGER, "Mixed" INTEGER)')
        assert storage.query('SELECT id, "Mixed", id AS "totalVolume" FROM known').columns == (
            "id",
            "Mixed",
            "totalVolume",
        )
        assert storage.tables() == ["known"]


def test_an_external_table_is_asked_for_only_where_it_can_hold_the_rows(db2_url: str) -> None:
    """Derby has no such tables: it shows that the statement is sent, in the transaction, and that the array path is left."""
    place = Db2Place.from_url(db2_url)
    rows = pa.RecordBatch.from_pydict({"id": pa.array([1, 2], pa.int32())})
    with closing(Db2Storage(place, bulk_path="external")) as storage:
        storage.execute("CREATE TABLE known (id INTEGER)")
        storage.execute("CREATE TABLE long_text (id INTEGER, words CLOB(1M))")
        with pytest.raises(TransformError, match="EXTERNAL"), storage.transaction() as session:
            session.bulk_load("known", [rows])
        assert storage.query("SELECT id FROM known").rows == []
        with storage.transaction() as session:
            assert session.bulk_load("known", [rows.slice(0, 0)]) == 0
            assert session.bulk_load("long_text", [rows.append_column("words", pa.array(["a", "b"]))]) == 2
        assert storage.query("SELECT words FROM long_text ORDER BY id").rows == [("a",), ("b",)]
