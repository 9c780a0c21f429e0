"""Weeks on disk: which are there, under which names, and that the bundled ones hold what the demo shows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from spine.core.tiers import Tier
from spine.core.weeks import published_on, sessions_of, window
from spine.finra.download_file import FileFormat
from spine.finra.synthetic import SyntheticMarket, write_weeks
from spine.finra.synthetic.volumes import FRACTIONS_FROM

COMMON = window(dt.date(2026, 4, 10), 8)


def test_by_default_eight_weeks_of_all_tiers_are_written(tmp_path: Path) -> None:
    written = [file for file in write_weeks(tmp_path) if file.revision == 0]
    for tier in Tier:
        assert [file.week_ending for file in written if file.tier is tier][:8] == COMMON
    ahead = [file for file in written if file.week_ending > COMMON[-1]]
    assert [(file.tier, str(file.week_ending)) for file in ahead] == [(Tier.T1, "2026-04-17"), (Tier.T1, "2026-04-24")]


def test_the_default_weeks_hold_a_holiday_the_first_fractions_and_a_restatement(tmp_path: Path) -> None:
    written = write_weeks(tmp_path)
    assert any(len(sessions_of(week_ending)) < 5 for week_ending in COMMON)
    assert COMMON[0] < FRACTIONS_FROM < COMMON[1]
    restated = [file for file in written if file.revision]
    assert [(file.tier, file.week_ending) for file in restated] == [(Tier.T2, COMMON[1])]
    assert restated[0].path.parent == tmp_path / "restated"
    assert (tmp_path / restated[0].path.name).read_bytes() != restated[0].path.read_bytes()


def test_nothing_is_written_before_it_is_published(tmp_path: Path) -> None:
    published = published_on(Tier.T2, COMMON[-1])
    before = write_weeks(tmp_path, weeks=1, until=published - dt.timedelta(days=1), tiers=[Tier.T2])
    after = write_weeks(tmp_path, weeks=1, until=published, tiers=[Tier.T2])
    assert [file.week_ending for file in before + after] == COMMON[-2:]


def test_a_download_is_named_by_tier_and_publication_day(tmp_path: Path) -> None:
    names = [file.path.name for file in write_weeks(tmp_path, weeks=1)]
    assert names == [
        "finra_otc_weekly_tier1_20260427.csv",
        "finra_otc_weekly_tier1_20260504.csv",
        "finra_otc_weekly_tier1_20260511.csv",
        "finra_otc_weekly_tier2_20260511.csv",
        "finra_otc_weekly_otc_20260511.csv",
    ]


def test_the_other_forms_are_named_by_tier_and_week(tmp_path: Path) -> None:
    written = write_weeks(tmp_path, weeks=1, tiers=[Tier.OTCE], file_format=FileFormat.SIMPLE)
    assert [file.path.name for file in written] == ["otc_week_2026-04-10.psv"]


def test_the_rows_announced_are_the_lines_in_the_file(tmp_path: Path) -> None:
    for file in write_weeks(tmp_path, weeks=2, market=SyntheticMarket(symbols=dict.fromkeys(Tier, 5))):
        assert len(file.path.read_text().splitlines()) == file.rows + 1


def test_defects_are_in_the_newest_files_only_and_only_on_demand(tmp_path: Path) -> None:
    clean, flawed = write_weeks(tmp_path / "clean"), write_weeks(tmp_path / "flawed", defects=True)
    changed = [
        (ours.tier, ours.week_ending)
        for theirs, ours in zip(clean, flawed, strict=True)
        if theirs.path.read_bytes() != ours.path.read_bytes()
    ]
    assert changed == [(Tier.T1, dt.date(2026, 4, 24)), (Tier.T2, COMMON[-1]), (Tier.OTCE, COMMON[-1])]
