"""The arguments of ``airflow spine export``. Every ``airflow`` command imports this: names and help only."""

from __future__ import annotations

from airflow.cli.cli_config import ARG_VERBOSE, ActionCommand, Arg, lazy_load_command

_SEVERAL = "; several with commas, or given several times"


def _names(flag: str, what: str, metavar: str) -> Arg:
    return Arg((flag,), help=what + _SEVERAL, action="append", metavar=metavar)


ARGUMENTS = (
    Arg(("relation",), help="What to export, such as venue_volume, symbol_summary or symbol_rolling", metavar="TABLE"),
    Arg(
        ("-o", "--output"),
        help="File to write; a folder with --partition-by; - is standard output, as CSV",
        required=True,
        metavar="PATH",
    ),
    Arg(("--format",), help="Default: by the end of PATH, else parquet", choices=("parquet", "csv")),
    Arg(("--compression",), help="parquet: zstd (default), snappy, gzip, lz4, none; csv: none (default), gzip", metavar="NAME"),
    _names("--columns", "Only these columns, in this order", "COLUMNS"),
    _names("--tier", "Only these tiers: T1, T2, OTCE or aliases", "TIERS"),
    Arg(("--week",), help="Only this week: its Friday, as YYYY-MM-DD", metavar="DATE"),
    Arg(("--week-from",), help="First week: its Friday", metavar="DATE"),
    Arg(("--week-to",), help="Last week: its Friday", metavar="DATE"),
    _names("--symbol", "Only these symbols", "SYMBOLS"),
    _names("--summary-type", "Only these summary types", "TYPES"),
    Arg(("--as-of",), help="What was known at this instant, such as 2026-05-01T00:00:00+00:00", metavar="INSTANT"),
    Arg(("--revisions",), help="Every capture of a week, not the newest one alone", action="store_true"),
    _names("--partition-by", "Folders of Parquet files by week_ending, tier or summary_type", "COLUMNS"),
    Arg(("--force",), help="Replace what is there", action="store_true"),
    Arg(("--json",), help="Print the receipt as JSON: counts, SHA-256, captures", action="store_true"),
    ARG_VERBOSE,
)  # fmt: skip

EXPORT = ActionCommand(
    name="export",
    help="Write a published table to a Parquet or CSV file; exits 3 when there is nothing to write",
    func=lazy_load_command("spine.cli.export.export"),
    args=ARGUMENTS,
)
