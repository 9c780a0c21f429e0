"""One week in every form and format it may come in."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spine.core.tiers import Tier
from spine.finra.decimals import as_text
from spine.finra.download_file import DOWNLOAD_COLUMNS, FileFormat, write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.base import Storage
from tests.support.storage import WITHOUT_DB2
from tests.support.weekly import PREFIX, Weekly

pytestmark = WITHOUT_DB2

WEEK = dt.date(2026, 3, 13)  # has fractional shares
ROWS = SyntheticMarket(symbols={Tier.T2: 40}, venues=12).week(Tier.T2, WEEK)
TEXT = pa.table(
    {
        name: as_text(ROWS[name]) if name == "totalWeeklyShareQuantity" else ROWS[name].cast(pa.string())
        for name in DOWNLOAD_COLUMNS
    }
)


def _delimited(delimiter: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(
                [DOWNLOAD_COLUMNS, *zip(*TEXT.to_pydict().values(), strict=True)]
            )

    return write


def _json(path: Path) -> None:
    items = [{**row, "totalWeeklyTradeCount": int(row["totalWeeklyTradeCount"])} for row in TEXT.to_pylist()]
    path.write_text(json.dumps(items))


def _gzip(path: Path) -> None:
    write_week_file(ROWS, path.with_suffix(""))
    path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))


WRITERS: dict[str, Callable[[Path], object]] = {
    "tier2.psv": lambda path: write_week_file(ROWS, path),
    "tier2_commas.csv": _delimited(","),
    "tier2.tsv": _delimited("\t"),
    "tier2.json": _json,
    "tier2.jsonl": lambda path: path.write_text("".join(f"{json.dumps(row)}\n" for row in TEXT.to_pylist())),
    "tier2.parquet": lambda path: pq.write_table(ROWS.select(DOWNLOAD_COLUMNS), path),
    "tier2_packed.csv.gz": _gzip,
}
VENUE_VOLUME = sorted(
    zip(
        ROWS["issueSymbolIdentifier"].to_pylist(),
        ROWS["MPID"].to_pylist(),
        [round(float(shares), 6) for shares in ROWS["totalWeeklyShareQuantity"].to_pylist()],
        ROWS["totalWeeklyTradeCount"].to_pylist(),
        strict=True,
    )
)


def venue_volume(weekly: Weekly) -> list[tuple[str, str, float, int]]:
    rows = weekly.rows(f"{PREFIX}_venue_volume_latest")
    return sorted(
        (row["symbol"], row["mpid"], round(float(row["total_shares"]), 6), row["total_trades"]) for row in rows
    )


@pytest.fixture
def weekly(upgraded_storage: Storage, tmp_path: Path) -> Weekly:
    return Weekly(upgraded_storage, tmp_path)


def test_every_format_is_the_same_content(weekly: Weekly) -> None:
    first, *others = WRITERS
    for name, writer in WRITERS.items():
        writer(weekly.root / name)
    weekly.load(tier="T2", file_path=first)
    assert venue_volume(weekly) == VENUE_VOLUME
    for name in others:
        again = weekly.ingest(tier="T2", file_path=name)
        assert (again.status, again.output["revision"]) == ("unchanged", 0), (name, again.message)


@pytest.mark.parametrize("name", WRITERS)
def test_each_format_by_itself(name: str, weekly: Weekly) -> None:
    WRITERS[name](weekly.root / name)
    weekly.load(file_path=name)
    assert venue_volume(weekly) == VENUE_VOLUME


@pytest.mark.parametrize("file_format", [FileFormat.SIMPLE, FileFormat.SCENARIO])
def test_the_simpler_forms_tell_the_same_volume(file_format: FileFormat, weekly: Weekly) -> None:
    write_week_file(ROWS, weekly.root / "tier2_week.psv", file_format=file_format)
    weekly.load(file_path="tier2_week.psv")
    assert venue_volume(weekly) == VENUE_VOLUME
    [week] = {str(row["week_ending"]) for row in weekly.rows(f"{PREFIX}_symbol_summary_latest")}
    assert week == "2026-03-13"


def test_a_row_of_another_week_in_a_form_that_names_weeks(weekly: Weekly) -> None:
    header, *lines = (
        "WeekEnding|Tier|Symbol|MPID|TotalShares|TotalTrades",
        "2025-11-14|OTC|A|OTCN|1|1",
        "2025-11-14|OTC|B|OTCN|1|1",
        "2025-11-21|OTC|C|OTCN|1|1",
        "2025-11-13|OTC|D|OTCN|1|1",
        "11/14/2025|OTC|E|OTCN|1|1",
        "2025-11-31|OTC|F|OTCN|1|1",
        "|OTC|G|OTCN|1|1",
    )
    receipt = weekly.ingest(file_path=weekly.write("\n".join((header, *lines)), "week_otc.psv")).to_dict()
    assert (receipt["week_ending"], receipt["parsed"], receipt["rejected"]) == ("2025-11-14", 2, 5)
    words = (
        "the row is of the week ending 2025-11-21, the partition of 2025-11-14",
        "2025-11-13 is a Thursday, and weeks end on a Friday; did you mean 2025-11-14?",
        "'11/14/2025' is not a date; expected YYYY-MM-DD",
        "'2025-11-31' is not a date",
        "'' is not a date",
    )
    for (number, (code, detail)), expected in zip(weekly.rejects().items(), words, strict=True):
        assert (code, number >= 4) == ("WEEK_MISMATCH", True)
        assert expected in detail
