"""The three file forms: exact text, faithful values, whole files."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from spine.core.tiers import Tier
from spine.finra.download_file import DOWNLOAD_COLUMNS, Defect, FileFormat, write_week_file
from spine.finra.synthetic import SCHEMA, SyntheticMarket

WEEK = dt.date(2026, 4, 3)  # Good Friday: four sessions


def table(*shares: str, **changes: Any) -> pa.Table:
    row = {
        "tierDescription": "OTC",
        "tierIdentifier": "OTCE",
        "issueSymbolIdentifier": "ABCDF",
        "issueName": "Abacus & Co., Inc. Common Stock",
        "MPID": "ALBR",
        "marketParticipantName": "ALBR ALDER BRIDGE ATS",
        "totalWeeklyTradeCount": 3,
        "weekStartDate": dt.date(2026, 3, 30),
        "lastUpdateDate": dt.date(2026, 5, 4),
        **changes,
    }
    rows = [{**row, "totalWeeklyShareQuantity": Decimal(quantity)} for quantity in shares]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def test_the_download_is_finras_eight_columns_between_pipes(tmp_path: Path) -> None:
    write_week_file(table("1200", "0.5", "1200.25", "100.000001"), tmp_path / "week.csv")
    row = "OTC|ABCDF|Abacus & Co., Inc. Common Stock|ALBR ALDER BRIDGE ATS|ALBR|{}|3|2026-05-04\n"
    assert (tmp_path / "week.csv").read_bytes().decode() == (
        "tierDescription|issueSymbolIdentifier|issueName|marketParticipantName|MPID|totalWeeklyShareQuantity"
        "|totalWeeklyTradeCount|lastUpdateDate\n"
        + "".join(row.format(shares) for shares in ("1200", "0.5", "1200.25", "100.000001"))
    )


def test_the_simple_form_names_week_and_tier_in_each_row(tmp_path: Path) -> None:
    write_week_file(table("1200.5"), tmp_path / "week.psv", file_format=FileFormat.SIMPLE)
    assert (tmp_path / "week.psv").read_text() == (
        "WeekEnding|Tier|Symbol|MPID|TotalShares|TotalTrades\n2026-04-03|OTC|ABCDF|ALBR|1200.5|3\n"
    )


def test_the_scenario_form_has_three_comments_and_averages_over_the_sessions(tmp_path: Path) -> None:
    write_week_file(table("1000", "0.5"), tmp_path / "week.psv", file_format=FileFormat.SCENARIO)
    *comments, header, first, second = (tmp_path / "week.psv").read_text().splitlines()
    assert [comment[0] for comment in comments] == ["#", "#", "#"]
    assert header == (
        "Symbol|Venue|Date|TotalWeeklyShareVolume|TotalWeeklyTrades|AverageDailyShareVolume|AverageTradeSize"
    )
    assert first == "ABCDF|ALBR|2026-04-03|1000|3|250|333.33"
    assert second == "ABCDF|ALBR|2026-04-03|0.5|3|0.13|0.17"


@pytest.mark.parametrize("tier", Tier)
def test_a_generated_week_reads_back_as_the_same_values(tier: Tier, tmp_path: Path) -> None:
    rows = SyntheticMarket().week(tier, WEEK)
    assert write_week_file(rows, tmp_path / "week.csv") == rows.num_rows
    with (tmp_path / "week.csv").open(newline="") as file:
        read = list(csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE))
    for line in read:
        line.update(
            totalWeeklyShareQuantity=Decimal(line["totalWeeklyShareQuantity"]),
            totalWeeklyTradeCount=int(line["totalWeeklyTradeCount"]),
            lastUpdateDate=dt.date.fromisoformat(line["lastUpdateDate"]),
        )
    assert read == rows.select(DOWNLOAD_COLUMNS).to_pylist()


@pytest.mark.parametrize("file_format", FileFormat)
def test_a_week_without_rows_is_a_header(file_format: FileFormat, tmp_path: Path) -> None:
    assert write_week_file(table(), tmp_path / "week", file_format=file_format) == 0
    assert (tmp_path / "week").read_text().splitlines()[-1].count("|") >= 5


def test_the_row_without_a_symbol_comes_first_and_counts(tmp_path: Path) -> None:
    assert write_week_file(table("1200"), tmp_path / "week.csv", defects=[Defect.EMPTY_SYMBOL]) == 2
    assert (tmp_path / "week.csv").read_text().splitlines()[1] == "OTC|||ALBR ALDER BRIDGE ATS|ALBR|1|1|2026-05-04"


def test_the_last_newline_can_be_missing(tmp_path: Path) -> None:
    write_week_file(table("1200"), tmp_path / "whole.csv")
    write_week_file(table("1200"), tmp_path / "cut.csv", defects=[Defect.NO_FINAL_NEWLINE])
    assert (tmp_path / "cut.csv").read_bytes() + b"\n" == (tmp_path / "whole.csv").read_bytes()


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    write_week_file(table("1200"), path)
    before = path.read_bytes()
    with pytest.raises(pa.ArrowInvalid):
        write_week_file(table("1200", issueName="Pipe | Dream Inc."), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
