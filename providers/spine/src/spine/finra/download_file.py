"""Writing one week of one tier as a file: FINRA's weekly download, and the two simpler forms that people pass around.

Rows come in as a table with FINRA's weeklySummary fields (``spine.finra.synthetic.SCHEMA``).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from spine.core.tiers import Tier
from spine.core.weeks import friday_of, sessions_of
from spine.finra.decimals import as_text, from_units, to_millionths
from spine.finra.files import TIER_WORDS, download_name

DOWNLOAD_COLUMNS = (
    "tierDescription",
    "issueSymbolIdentifier",
    "issueName",
    "marketParticipantName",
    "MPID",
    "totalWeeklyShareQuantity",
    "totalWeeklyTradeCount",
    "lastUpdateDate",
)
SCENARIO_PREAMBLE = (
    "# OTC transparency test data: one symbol on one venue in one week per line",
    "# Invented; not published by FINRA",
    "# Columns are separated by |",
)
_WRITING = pa_csv.WriteOptions(include_header=False, delimiter="|", quoting_style="none", batch_size=16_384)


class FileFormat(StrEnum):
    """DOWNLOAD is FINRA's own; SIMPLE names its week and tier in every row; SCENARIO has comment lines and averages."""

    DOWNLOAD = "download"
    SIMPLE = "simple"
    SCENARIO = "scenario"


class Defect(StrEnum):
    """What real downloads have been seen with: a row without symbol and issue name; no newline after the last row."""

    EMPTY_SYMBOL = "empty_symbol"
    NO_FINAL_NEWLINE = "no_final_newline"


def file_name(tier: Tier, week_ending: dt.date, file_format: FileFormat = FileFormat.DOWNLOAD) -> str:
    """A download is named by its first publication (also when it is restated), the other forms by their week."""
    if file_format is FileFormat.DOWNLOAD:
        return download_name(tier, week_ending)
    return f"{TIER_WORDS[tier]}_week_{week_ending}.psv"


def write_week_file(
    rows: pa.Table,
    path: Path,
    *,
    file_format: FileFormat = FileFormat.DOWNLOAD,
    defects: Collection[Defect] = (),
) -> int:
    """Write one partition, in the order given, and return the number of data rows; readers never see half a file.

    :raises pyarrow.ArrowInvalid: when a value holds a pipe, a quote or a line break, which the form cannot carry.
    """
    if Defect.EMPTY_SYMBOL in defects:
        rows = pa.concat_tables([_without_symbol(rows.slice(0, 1)), rows])
    columns = {
        FileFormat.DOWNLOAD: _download_columns,
        FileFormat.SIMPLE: _simple_columns,
        FileFormat.SCENARIO: _scenario_columns,
    }[file_format](rows)
    preamble = SCENARIO_PREAMBLE if file_format is FileFormat.SCENARIO else ()
    with _replacing(path) as temporary:
        with temporary.open("wb") as file:
            file.write("".join(f"{line}\n" for line in (*preamble, "|".join(columns.column_names))).encode())
            pa_csv.write_csv(columns, file, _WRITING)
        if Defect.NO_FINAL_NEWLINE in defects:
            os.truncate(temporary, temporary.stat().st_size - 1)
    return int(rows.num_rows)


def _download_columns(rows: pa.Table) -> pa.Table:
    shares = DOWNLOAD_COLUMNS.index("totalWeeklyShareQuantity")
    return rows.select(DOWNLOAD_COLUMNS).set_column(
        shares, DOWNLOAD_COLUMNS[shares], as_text(rows["totalWeeklyShareQuantity"])
    )


def _simple_columns(rows: pa.Table) -> pa.Table:
    return pa.table(
        {
            "WeekEnding": _fridays(rows),
            "Tier": rows["tierDescription"],
            "Symbol": rows["issueSymbolIdentifier"],
            "MPID": rows["MPID"],
            "TotalShares": as_text(rows["totalWeeklyShareQuantity"]),
            "TotalTrades": rows["totalWeeklyTradeCount"],
        }
    )


def _scenario_columns(rows: pa.Table) -> pa.Table:
    millionths = to_millionths(rows["totalWeeklyShareQuantity"])
    trades = rows["totalWeeklyTradeCount"].to_numpy()
    return pa.table(
        {
            "Symbol": rows["issueSymbolIdentifier"],
            "Venue": rows["MPID"],
            "Date": _fridays(rows),
            "TotalWeeklyShareVolume": as_text(rows["totalWeeklyShareQuantity"]),
            "TotalWeeklyTrades": rows["totalWeeklyTradeCount"],
            "AverageDailyShareVolume": _average(millionths, np.full_like(trades, _session_count(rows))),
            "AverageTradeSize": _average(millionths, trades),
        }
    )


def _average(millionths: np.ndarray, count: np.ndarray) -> pa.ChunkedArray:
    """Shares per day or trade with two decimals, half up, in integers: no rounding differs between machines."""
    divisor = count * 10_000
    hundredths = (2 * millionths + divisor) // (2 * divisor)
    return as_text(pa.chunked_array([from_units(hundredths, pa.decimal128(18, 2))]))


def _fridays(rows: pa.Table) -> pa.ChunkedArray:
    days = pc.cast(pc.cast(rows["weekStartDate"], pa.int32()), pa.int64())
    return pc.cast(pc.cast(pc.add(days, 4), pa.int32()), pa.date32())


def _session_count(rows: pa.Table) -> int:
    return len(sessions_of(friday_of(rows["weekStartDate"][0].as_py()))) if rows.num_rows else 5


def _without_symbol(row: pa.Table) -> pa.Table:
    """The row as FINRA has published it: one share, one trade, on a venue, of nothing."""
    shown = {"issueSymbolIdentifier": "", "issueName": "", "totalWeeklyShareQuantity": 1, "totalWeeklyTradeCount": 1}
    return pa.Table.from_pylist([{**shown_row, **shown} for shown_row in row.to_pylist()], schema=row.schema)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file beside ``path`` that takes its place when all is well, and is gone otherwise."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
