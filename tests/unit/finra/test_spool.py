"""Pages set aside come back as they went in."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spine.core.errors import SourceError
from spine.finra.pages import Page
from spine.finra.spool import Spool

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)


def page(rows: list[str], column: str = "symbol", body: bytes = b"") -> Page:
    return Page(pa.RecordBatch.from_arrays([pa.array(rows, pa.string())], names=[column]), None, body)


@given(st.lists(st.lists(TEXT, max_size=5), max_size=5), st.sampled_from([1, 10**6]))
def test_rows_come_back_in_order_as_often_as_wanted(pages: list[list[str]], in_memory: int) -> None:
    with Spool(in_memory) as spool:
        for rows in pages:
            spool.add(page(rows))
        given_rows = [row for rows in pages for row in rows]
        for _ in range(2):
            assert [row for batch in spool.batches() for row in batch.column(0).to_pylist()] == given_rows
        assert spool.rows == len(given_rows)


@given(st.lists(st.sets(TEXT, max_size=5), max_size=5))
def test_rows_of_several_pages_are_counted(pages: list[set[str]]) -> None:
    with Spool() as spool:
        for rows in pages:
            spool.add(page([*rows, *rows]))
        assert spool.repeated_rows() == sum(map(len, pages)) - len(set().union(*pages))


def test_the_digest_is_over_the_bodies() -> None:
    with Spool() as spool:
        for body in (b"one", b"", b"two"):
            spool.add(page(["x"], body=body))
        assert spool.sha256 == hashlib.sha256(b"onetwo").hexdigest()
        assert spool.bytes_received == 6


def test_an_empty_page_may_have_other_columns_but_no_other() -> None:
    with Spool() as spool:
        spool.add(page(["x"]))
        spool.add(page([], "venue"))
        assert spool.columns == ("symbol",)
        with pytest.raises(SourceError, match="changed from symbol to venue"):
            spool.add(page(["x"], "venue"))
