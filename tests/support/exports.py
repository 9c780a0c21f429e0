"""A small market to export from: three weeks, two tiers, one week of them restated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from spine.core.partitions import Partition
from spine.core.tiers import Tier
from spine.core.weeks import window
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.finra.download_file import write_week_file
from spine.finra.files import download_name
from spine.finra.synthetic import SyntheticMarket, write_weeks
from spine.storage.base import Storage
from spine.storage.ledger import RunStamp, Stage, find_capture, insert_capture, record_stage
from tests.support.weekly import Weekly

WEEKS = window(dt.date(2026, 4, 10), 3)
RESTATED = WEEKS[1]
_MARKET = SyntheticMarket(symbols=dict.fromkeys(Tier, 12), venues=6)


def load_market(storage: Storage, folder: Path) -> Weekly:
    """T2 in three weeks, OTCE in the last one; the second week of T2 comes once more, restated."""
    write_weeks(folder, weeks=3, until=dt.date(2026, 5, 15), tiers=[Tier.T2, Tier.OTCE], market=_MARKET)
    weekly = Weekly(storage, folder)
    for tier, weeks in ((Tier.T2, WEEKS), (Tier.OTCE, WEEKS[-1:])):
        for week in weeks:
            weekly.run(
                tier=str(tier), week_ending=week.isoformat(), file_path=download_name(tier, week), window_weeks=2
            )
    (folder / "restated").mkdir()
    write_week_file(_MARKET.week(Tier.T2, RESTATED, revision=1), folder / "restated" / "tier2.csv")
    weekly.run(tier="T2", week_ending=RESTATED.isoformat(), file_path="restated/tier2.csv", window_weeks=2)
    return weekly


def load_lines(storage: Storage, week_ending: dt.date, rows: int) -> None:
    """A normalized capture of invented lines, put into the database without the pipelines."""
    partition = Partition(OTC_TRANSPARENCY.name, Tier.T1, week_ending)
    stamp = RunStamp("test", None, dt.datetime(2026, 5, 1, tzinfo=dt.UTC))
    counts = dict.fromkeys(("line_count", "parsed_count"), rows)
    values = {
        "capture_id": f"{partition}:000000", "domain": partition.dataset, "tier": "T1", "week_ending": week_ending,
        "summary_type": OTC_TRANSPARENCY.summary_types[0], "revision": 0, "captured_at": stamp.now, "source_type": "file",
        "source_name": "invented", "source_bytes": 0, "source_sha256": "", "content_hash": "", "rejected_count": 0,
        "is_forced": 0, "execution_id": "test", **counts,
    }  # fmt: skip
    table = storage.room_for(OTC_TRANSPARENCY.lines_table, week_ending)
    with storage.transaction() as session:
        number = insert_capture(session, values)
        session.bulk_load(table, _lines(number, rows))
        capture = find_capture(session, values["capture_id"])
        assert capture is not None
        for stage in (Stage.INGESTED, Stage.NORMALIZED):
            record_stage(session, capture, stage, row_count=rows, metrics={}, stamp=stamp)


def _lines(capture_no: int, rows: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, rows, 50_000):
        numbers = range(start, min(start + 50_000, rows))
        yield pa.record_batch(
            {
                "capture_no": pa.array([capture_no] * len(numbers), pa.int64()),
                "line_number": pa.array(numbers, pa.int64()),
                "symbol": [f"S{number // 20:06}" for number in numbers],
                "mpid": [f"M{number % 20:03}" for number in numbers],
                "issue_name": [f"Invented Common Stock Number {number // 20}" for number in numbers],
                "venue_name": [f"VENUE {number % 20} OF THE INVENTED MARKET" for number in numbers],
                "total_shares": pa.array(numbers, pa.int64()),
                "total_trades": pa.array([number % 97 + 1 for number in numbers], pa.int64()),
            }
        )
