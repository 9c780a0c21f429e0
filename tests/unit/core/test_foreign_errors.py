"""Errors of other people's libraries find their category, as those libraries raise them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import adbc_driver_sqlite.dbapi
import httpx
import pyarrow as pa
import pydantic
import pytest

from spine.core.errors import ErrorCategory, LoadError, as_spine_error
from spine.core.places import happening


def _http(status: int) -> None:
    request = httpx.Request("GET", "http://127.0.0.1/")
    httpx.Response(status, request=request).raise_for_status()


def _sql(statement: str) -> None:
    with adbc_driver_sqlite.dbapi.connect(":memory:") as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
        cursor.execute("INSERT INTO t VALUES (1)")
        cursor.execute(statement)
        cursor.fetchall()


@pytest.mark.parametrize(
    ("fail", "category"),
    [
        (lambda: pa.array(["x"]).cast(pa.int64()), "TRANSFORM"),
        (lambda: pa.table({"a": [1]}).column("b"), "INTERNAL"),
        (lambda: httpx.get("http://127.0.0.1:1/"), "DEPENDENCY"),
        (lambda: httpx.get("nowhere"), "CONFIGURATION"),
        (lambda: _http(404), "SOURCE"),
        (lambda: _http(401), "PERMISSION"),
        (lambda: _http(429), "RATE_LIMIT"),
        (lambda: _http(503), "DEPENDENCY"),
        (lambda: _sql("SELECT nothing FROM nowhere"), "TRANSFORM"),
        (lambda: _sql("INSERT INTO t VALUES (1)"), "LOAD"),
        (lambda: json.loads("{"), "SOURCE"),
        (b"\xff".decode, "SOURCE"),
        (lambda: Path("/nowhere/at/all").read_bytes(), "SOURCE"),
        (lambda: Decimal(1) / 0, "TRANSFORM"),
        (lambda: pydantic.TypeAdapter(int).validate_python("x"), "VALIDATION"),
        (lambda: {}["rows"], "INTERNAL"),
    ],
)
def test_each_finds_its_category_and_tells_where_it_was_raised(fail: Callable[[], object], category: str) -> None:
    with pytest.raises(Exception) as caught:
        fail()
    known = as_spine_error(caught.value)
    assert known.category is ErrorCategory(category)
    assert known.context["at"].startswith("test_foreign_errors.py:"), "the nearest line that is no library's"
    assert type(caught.value).__name__ in known.message


def test_a_place_is_added_to_whatever_leaves_it() -> None:
    with pytest.raises(LoadError) as ours, happening(tier="T1", week_ending=None), happening(tier="T2", capture_id="c"):
        raise LoadError("x")
    assert ours.value.context == {"tier": "T2", "capture_id": "c"}
    with pytest.raises(Exception, match="KeyError: 'rows'") as theirs, happening(capture_id="c"):
        raise KeyError("rows")
    assert as_spine_error(theirs.value).context["capture_id"] == "c"
    with pytest.raises(StopIteration), happening(but=(StopIteration,), tier="T1"):
        raise StopIteration
