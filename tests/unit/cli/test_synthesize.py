"""``airflow spine synthesize`` writes what it says."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from spine.cli.synthesize import synthesize


def test_one_line_per_file_and_a_total(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthesize(
        Namespace(out=str(tmp_path), weeks=1, symbols=5, venues=4, seed=3, tiers="tier2,otc", until="2026-05-15")
    )
    *lines, total = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["T2", "2026-04-10"], ["OTCE", "2026-04-10"]]
    assert total.startswith("2 files, ")
    assert sorted(str(path) for path in tmp_path.iterdir()) == sorted(line.split()[-1] for line in lines)


def test_a_restated_week_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthesize(Namespace(out=str(tmp_path)))
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines() if line.endswith("(restated)")] == [
        ["T2", "2026-02-27"]
    ]


def test_another_form_is_written_on_demand(tmp_path: Path) -> None:
    synthesize(Namespace(out=str(tmp_path), weeks=1, tiers="OTCE", format="scenario", until=None))
    assert (tmp_path / "otc_week_2026-04-10.psv").read_text().startswith("#")


def test_an_unknown_tier_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        synthesize(Namespace(out=str(tmp_path), tiers="T1,T9"))
    assert capsys.readouterr().err.startswith("[VALIDATION] unknown tier 'T9'")
    assert not list(tmp_path.iterdir())
