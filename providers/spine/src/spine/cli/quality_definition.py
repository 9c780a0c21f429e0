"""The shape of ``airflow spine quality ...``."""

from __future__ import annotations

import getpass

from airflow.cli.cli_config import (
    ARG_OUTPUT,
    ARG_VERBOSE,
    ActionCommand,
    Arg,
    GroupCommand,
    lazy_load_command,
    positive_int,
)

_TIER = Arg(("--tier",), help="Only this tier: T1, T2, OTCE or an alias of one")
_WEEK = Arg(("--week-ending",), help="Only this week: its Friday, as YYYY-MM-DD", metavar="DATE")
_THE_TIER = Arg(("--tier",), help="Its tier", required=True)
_THE_WEEK = Arg(("--week-ending",), help="Its Friday, as YYYY-MM-DD", required=True, metavar="DATE")
_SERIES = Arg(("--summary-type",), help="Of FINRA's four summary types (default: ATS_W_SMBL_FIRM)", metavar="TYPE")
_ALL = Arg(("--all",), help="Those that hold too", action="store_true")
_LIMIT = Arg(("--limit",), help="At most this many (default: 100)", type=positive_int(allow_zero=False), default=100)
_CAPTURE_ID = Arg(("capture_id",), help="As `airflow spine doctor` names it", metavar="CAPTURE")
_CAPTURE = Arg(("--capture",), help="Only about this capture", metavar="CAPTURE")
_BY = Arg(("--by",), help="Who decides (default: you)", default=getpass.getuser(), metavar="NAME")
_REASON = Arg(("--reason",), help="Why", required=True, metavar="TEXT")
_PURPOSE = Arg(
    ("--for",),
    help="What it may be used for",
    dest="purpose",
    required=True,
    choices=("trading", "compliance", "research"),
)
_WEEKS = Arg(
    ("--weeks",), help="How many weeks (default: 6)", type=positive_int(allow_zero=False), default=6, metavar="N"
)
_REQUIRE = Arg(("--require",), help="Exit 1 unless all of them are ready", action="store_true")
_SUITE = Arg(("--suite",), help="Which suite judges it", required=True, metavar="NAME")
_FORMAT = Arg(
    ("--format",),
    help="text for people, json for programs, html for a page",
    choices=("text", "json", "html"),
    default="text",
)
_OUT_OPTIONAL = Arg(("--out",), help="File to write (default: standard output)", metavar="FILE")
_ASSESSED_WEEKS = Arg(
    ("--weeks",), help="How many weeks (default: 12)", type=positive_int(allow_zero=False), default=12, metavar="N"
)
_ASSESS = (
    Arg(("--full",), help="The whole history, and every table for rows without a capture", action="store_true"),
    _ASSESSED_WEEKS,
    Arg(("--start",), help="Or from this Friday on, as YYYY-MM-DD", metavar="DATE"),
    Arg(("--end",), help="Up to this Friday (default: the newest that FINRA has published)", metavar="DATE"),
    _TIER,
    _SERIES,
    Arg(("--score-all",), help="Every symbol too, over at most 52 weeks", action="store_true"),
    Arg(("--score",), help="This symbol too", metavar="SYMBOL"),
    Arg(
        ("--source",),
        help="Read every week again and compare: from file, from api, or the same that it came from",
        choices=("same", "file", "api"),
    ),
    _FORMAT,
    _OUT_OPTIONAL,
    Arg(("--dry-run",), help="Put nothing on record", action="store_true"),
    Arg(("--require",), help="Exit 1 when a week's grade is worse", choices=("A", "B", "C", "D"), metavar="GRADE"),
)
_ANOMALY = Arg(("anomaly_id",), help="As `airflow spine quality anomalies` names it", metavar="ANOMALY")
_NOTE = Arg(("--note",), help="Why", required=True, metavar="TEXT")
_OUT = Arg(("--out",), help="File to write", required=True, metavar="FILE")


def _command(name: str, function: str, summary: str, *args: Arg, module: str = "quality") -> ActionCommand:
    return ActionCommand(
        name=name, help=summary, func=lazy_load_command(f"spine.cli.{module}.{function}"), args=(*args, ARG_VERBOSE)
    )


_DECISION = (_CAPTURE_ID, _BY, _REASON)
QUALITY = GroupCommand(
    name="quality",
    help="What gates said, what people decided, and which weeks may be relied on",
    subcommands=(
        _command("assess", "assess", "Scores and grades of weeks and symbols", *_ASSESS, module="assess"),
        _command("anomalies", "anomalies", "What is not as it should be", _TIER, _WEEK, _ALL, _LIMIT, ARG_OUTPUT),
        _command("acknowledge", "acknowledge", "Somebody looks into an anomaly", _ANOMALY, _BY, _NOTE),
        _command("resolve", "resolve", "An anomaly is gone, or may stay", _ANOMALY, _BY, _NOTE),
        _command("results", "results", "Outcomes of rules", _TIER, _WEEK, _ALL, _LIMIT, ARG_OUTPUT),
        _command("hold", "hold", "Keep a capture from readers", *_DECISION),
        _command("approve", "approve", "Let a held capture pass", *_DECISION),
        _command("reject", "reject", "Refuse a capture for good", *_DECISION),
        _command(
            "certify",
            "certify",
            "A week may be used for a purpose",
            _THE_TIER,
            _THE_WEEK,
            _SERIES,
            _PURPOSE,
            _BY,
            _REASON,
        ),
        _command("audit", "audit", "Every decision", _CAPTURE, _LIMIT, ARG_OUTPUT),
        _command(
            "readiness", "readiness", "Which weeks may be relied on", _WEEKS, _TIER, _SERIES, _REQUIRE, ARG_OUTPUT
        ),
        _command("lint", "lint_suites", "Check include/expectations"),
        _command("schema", "print_suite_schema", "A suite as a JSON Schema, for editors"),
        _command("page", "data_docs", "Great Expectations' own page of a capture", _CAPTURE_ID, _SUITE, _OUT),
    ),
)
