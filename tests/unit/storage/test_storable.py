"""What no database is asked to store, so that none of them changes it in silence."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from spine.core.errors import LoadError
from spine.storage.storable import refuse_unstorable, storable_value

HOUR_BEHIND = dt.timezone(-dt.timedelta(hours=1))
LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "value",
    [
        "", "日本語 🎉 e\u0301", 2**63 - 1, -(2**63), 1.7976931348623157e308, -0.0, 5e-324, None, dt.date(1, 1, 1),
        Decimal("999999999999999999.999999"), Decimal("-0.000001"), Decimal("1.50000000"), Decimal("1E+17"), LAST,
    ],
    ids=repr,
)  # fmt: skip
def test_values_at_the_limits_pass_as_they_are(value: Any) -> None:
    assert storable_value(value) == value


@pytest.mark.parametrize(("value", "stored"), [(True, 1), (False, 0), ({"b": None, "a": [1]}, '{"a": [1], "b": null}')])
def test_what_has_no_type_of_its_own_becomes_one_that_has(value: Any, stored: Any) -> None:
    assert storable_value(value) == stored and type(storable_value(value)) is type(stored)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a\0b", "NUL"), ("x\udc00", "surrogates"), (2**63, "64 bits"), (-(2**63) - 1, "64 bits"),
        (float("nan"), "finite"), (float("-inf"), "finite"), (Decimal("NaN"), "18 digits"), (Decimal("Infinity"), "18 digits"),
        (Decimal(10**18), "18 digits"), (Decimal("0.0000005"), "6 behind"), (LAST.replace(tzinfo=None), "no time zone"),
        (LAST.replace(tzinfo=HOUR_BEHIND), "1 to 9999"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_one_database_would_change_is_refused_by_all(value: Any, words: str) -> None:
    with pytest.raises(LoadError, match=words):
        storable_value(value)


COLUMNS: list[tuple[pa.Array, str]] = [
    (pa.array(["a", None, "\0"]), "NUL"),
    (pa.array(["a\0"], pa.large_string()), "NUL"),
    (pa.array(["a\0"]).dictionary_encode(), "NUL"),
    (pa.array(["a\0", "b", None]).slice(1), ""),
    (pa.array([], pa.string()), ""),
    (pa.array([None, "ü"]), ""),
    (pa.array([0.5, None]), ""),
    (pa.array([0.5, float("nan")]), "finite"),
    (pa.array([float("inf")], pa.float32()), "finite"),
    (pa.array([Decimal("1.5")], pa.decimal128(24, 6)), ""),
    (pa.array([Decimal(10**18 - 1), None], pa.decimal128(38, 6)), ""),
    (pa.array([Decimal(-(10**18))], pa.decimal128(38, 6)), "18 digits"),
    (pa.array([Decimal("1.2300000"), None]), ""),
    (pa.array([Decimal("1.2345675")]), "6 behind"),
    (pa.array([0], pa.timestamp("us")), "time zone"),
    (pa.array([0, None], pa.timestamp("ns", "America/New_York")), ""),
    (pa.array([LAST, dt.datetime(1, 1, 1, tzinfo=dt.UTC)]), ""),
    (pa.array([253_402_300_800], pa.timestamp("s", "UTC")), "1 to 9999"),
    (pa.array([-62_135_596_801_000], pa.timestamp("ms", "UTC")), "1 to 9999"),
    (pa.nulls(2), ""),
]


@pytest.mark.parametrize(("column", "words"), COLUMNS, ids=[f"{column.type} {words}" for column, words in COLUMNS])
def test_a_column_is_held_to_the_same(column: pa.Array, words: str) -> None:
    batch = pa.record_batch({"fine": pa.array([1] * len(column)), "told": column})
    if not words:
        refuse_unstorable(batch)
    else:
        with pytest.raises(LoadError, match=rf"column told \(.*{words}"):
            refuse_unstorable(batch)
