"""``airflow spine synthesize``: invented FINRA files for a first run, a demonstration or a benchmark."""

from __future__ import annotations

import datetime as dt
from argparse import Namespace
from pathlib import Path
from typing import Any

from spine.cli.session import errors_in_one_line
from spine.core.tiers import Tier
from spine.core.weeks import parse_date


@errors_in_one_line()
def synthesize(args: Namespace) -> None:
    """Write the weeks and say which; every argument but ``out`` may be None or missing, for the market's default.

    :param args: out, weeks, until, tiers (comma-separated), symbols (in each tier), venues, seed, format, defects.
    """
    from spine.finra.download_file import FileFormat
    from spine.finra.synthetic import DEFAULT_UNTIL, SyntheticMarket, write_weeks

    given = {name: value for name, value in vars(args).items() if value is not None}
    shape: dict[str, Any] = {name: given[name] for name in ("seed", "venues") if name in given}
    if "symbols" in given:
        shape["symbols"] = dict.fromkeys(Tier, given["symbols"])
    written = write_weeks(
        Path(given["out"]),
        weeks=given.get("weeks", 8),
        until=parse_date(given.get("until", DEFAULT_UNTIL), "until"),
        tiers=_tiers(given.get("tiers", "T1,T2,OTCE")),
        market=SyntheticMarket(**shape),
        file_format=FileFormat(given.get("format", FileFormat.DOWNLOAD)),
        defects=given.get("defects", False),
    )
    for file in written:
        print(_line(file.tier, file.week_ending, file.rows, file.path, restated=file.revision > 0))
    print(f"{len(written)} files, {sum(file.rows for file in written):,} rows")


def _tiers(text: str) -> list[Tier]:
    return list(dict.fromkeys(Tier.parse(part) for part in text.split(",")))


def _line(tier: Tier, week_ending: dt.date, rows: int, path: Path, *, restated: bool) -> str:
    return f"{tier:<4}  {week_ending}  {rows:>9,} rows  {path}{'  (restated)' if restated else ''}"
