"""Names of partitions and captures."""

from __future__ import annotations

import datetime as dt
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from spine.core.partitions import Partition, capture_id
from spine.core.tiers import Tier

PARTITION = Partition("finra.otc_transparency", Tier.OTCE, dt.date(2025, 11, 14))
NOW = dt.datetime(2025, 12, 15, 11, 0, tzinfo=dt.UTC)
INSTANTS = st.datetimes(timezones=st.just(dt.UTC), min_value=dt.datetime(1900, 1, 2), max_value=dt.datetime(2200, 1, 1))  # noqa: DTZ001


def test_a_partition_has_one_canonical_key() -> None:
    assert PARTITION.key == '{"tier":"OTCE","week_ending":"2025-11-14"}'
    assert json.loads(PARTITION.key) == {"tier": "OTCE", "week_ending": "2025-11-14"}
    assert str(PARTITION) == "finra.otc_transparency:OTCE:2025-11-14"


@given(INSTANTS)
def test_a_capture_is_named_by_its_partition_and_six_hex_digits(captured_at: dt.datetime) -> None:
    assert re.fullmatch(r"finra\.otc_transparency:OTCE:2025-11-14:[0-9a-f]{6}", capture_id(PARTITION, captured_at))


def test_a_capture_keeps_its_name() -> None:
    assert capture_id(PARTITION, NOW) == "finra.otc_transparency:OTCE:2025-11-14:d06d65"


@given(INSTANTS, st.integers(-12, 14))
def test_the_name_depends_on_the_instant_and_not_on_the_zone(captured_at: dt.datetime, hours: int) -> None:
    elsewhere = captured_at.astimezone(dt.timezone(dt.timedelta(hours=hours)))
    assert capture_id(PARTITION, captured_at) == capture_id(PARTITION, elsewhere)


def test_a_microsecond_or_a_tier_makes_another_name() -> None:
    other = Partition(PARTITION.dataset, Tier.T1, PARTITION.week_ending)
    names = {
        capture_id(PARTITION, NOW),
        capture_id(PARTITION, NOW + dt.timedelta(microseconds=1)),
        capture_id(other, NOW),
    }
    assert len({name[-6:] for name in names}) == 3
