"""Of Db2 alone, with IBM's driver over DRDA against Apache Derby, not Db2."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from spine.core.errors import ConfigurationError, DependencyError, PermissionDenied, SpineError
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
