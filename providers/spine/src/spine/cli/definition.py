"""The shape of ``airflow spine ...``. Every ``airflow`` command imports this module: names and help only, no work.

A command is a function that takes the parsed ``argparse.Namespace``; its module is imported when it runs.
"""

from __future__ import annotations

import getpass

from airflow.cli.cli_config import (
    ARG_OUTPUT,
    ARG_VERBOSE,
    ARG_YES,
    ActionCommand,
    Arg,
    GroupCommand,
    lazy_load_command,
    positive_int,
)

from spine.cli.alerts_definition import ALERTS
from spine.cli.backfill import add_dags_backfill
from spine.cli.export_definition import EXPORT
from spine.cli.quality_definition import QUALITY
from spine.cli.resilience_definition import BREAKERS, DLQ

ARG_WORKFLOW = Arg(("workflow",), help="Name of the workflow, such as finra.weekly_refresh", metavar="WORKFLOW")
ARG_WORKFLOW_PATHS = Arg(
    ("paths",),
    help="Workflow files or folders (default: every workflow of [spine] include_dir)",
    nargs="*",
    metavar="PATH",
)
ARG_LINT_FORMAT = Arg(
    ("--format",),
    help="text for people, json for programs, sarif for code hosts",
    choices=("text", "json", "sarif"),
    default="text",
)
ARG_STRICT = Arg(("--strict",), help="A warning fails too", action="store_true")
ARG_PICTURE = Arg(("--format",), help="svg, or mermaid for documents", choices=("svg", "mermaid"), default="svg")
ARG_PICTURE_OUT = Arg(("--out",), help="File to write (default: standard output)", metavar="FILE")
ARGS_DIFF = (
    Arg(("old",), help="A workflow file", metavar="OLD"),
    Arg(("new",), help="Another version of it", metavar="NEW"),
)
ARG_WORD = Arg(("word",), help="A step type or a key, such as map, retry or map.items", nargs="?", metavar="WORD")
ARG_MARKDOWN = Arg(("--markdown",), help="The whole reference", action="store_true")
ARG_PARAM = Arg(
    ("-p", "--param"),
    help="A parameter of the run; may be given several times. The value is read as JSON where it is JSON, else as text",
    action="append",
    dest="params",
    metavar="KEY=VALUE",
)
ARG_RUN_OUTPUT = Arg(
    ("-o", "--output"),
    help="text for people, json for programs: one document with each step's receipt, and its error's category",
    choices=("text", "json"),
    default="text",
)
ARG_TIER = Arg(("--tier",), help="Only this tier: T1, T2, OTCE or an alias of one")
ARG_WEEK_ENDING = Arg(("--week-ending",), help="Only this week: its Friday, as YYYY-MM-DD", metavar="DATE")
ARG_REASON_CODE = Arg(("--reason",), help="Only of this reason code, such as BAD_NUMBER", metavar="CODE")
ARG_STAGE = Arg(
    ("--stage",), help="Only those that this stage refused", choices=("INGESTED", "QUARANTINED", "NORMALIZED")
)
ARG_BY_REASON = Arg(("--by-reason",), help="How many of each reason, with an example", action="store_true")
ARGS_REPLAY = (
    Arg(("--tier",), help="The week's tier", required=True),
    Arg(("--week-ending",), help="Its Friday, as YYYY-MM-DD", required=True, metavar="DATE"),
    Arg(("--by",), help="Who wants it (default: you)", default=getpass.getuser(), metavar="NAME"),
    Arg(("--reason",), help="What changed", required=True, metavar="TEXT"),
)
ARG_LIMIT = Arg(
    ("--limit",), help="At most this many rows (default: 100)", type=positive_int(allow_zero=False), default=100
)
ARG_DRY_RUN = Arg(("--dry-run",), help="Show what would go, and remove nothing", action="store_true")
ARG_SUPERSEDED_BEFORE = Arg(
    ("--superseded-before",), help="Only captures that a newer one replaced before this day", metavar="YYYY-MM-DD"
)
ARG_OLDER_THAN = Arg(
    ("--older-than",),
    help="Only captures that a newer one replaced so long ago, as 52w or 365d (default: 365d)",
    metavar="AGE",
)
ARG_KEEP = Arg(
    ("--keep",),
    help="Never the newest N captures of a week, whatever their age (default: 1)",
    type=positive_int(allow_zero=False),
    default=1,
    metavar="N",
)
ARG_DATASET = Arg(("--dataset",), help="Only this dataset (default: every one)", metavar="NAME")
ARG_WEEK_FROM = Arg(("--week-from",), help="Only weeks from this one on: its Friday, as YYYY-MM-DD", metavar="DATE")
ARG_WEEK_TO = Arg(("--week-to",), help="Only weeks up to this one: its Friday, as YYYY-MM-DD", metavar="DATE")

# No defaults here: `synthesize` leaves out what was not given, and the synthetic market has its own.
ARG_OUT = Arg(("--out",), help="Folder to write into; created when missing", required=True, metavar="DIR")
ARG_WEEKS = Arg(("--weeks",), help="How many weeks", type=positive_int(allow_zero=False), metavar="N")
ARG_UNTIL = Arg(("--until",), help="Write weeks published by this day", metavar="YYYY-MM-DD")
ARG_TIERS = Arg(("--tiers",), help="Comma-separated tiers or aliases (default: all three)", metavar="TIERS")
ARG_SYMBOLS = Arg(("--symbols",), help="Symbols in each tier", type=positive_int(allow_zero=False), metavar="N")
ARG_VENUES = Arg(("--venues",), help="Venues in the market", type=positive_int(allow_zero=False), metavar="N")
ARG_SEED = Arg(("--seed",), help="The same seed writes the same bytes", type=int, metavar="N")
ARG_ASK_FINRA = Arg(
    ("--ask-finra",), help="Ask FINRA which weeks it has, to tell who is late with a missing one", action="store_true"
)
ARG_THOROUGH = Arg(
    ("--thorough",), help="Hold every index of a SQLite file against its table, too; may take long", action="store_true"
)
ARG_FORMAT = Arg(
    ("--format",), help="Form of the files (default: download)", choices=("download", "simple", "scenario")
)
ARG_FIRST_WEEK = Arg(("--start",), help="First week: its Friday, as YYYY-MM-DD", metavar="DATE")
ARG_LAST_WEEK = Arg(("--end",), help="Last week: its Friday (default: the newest published)", metavar="DATE")
ARG_REPORT_FORMAT = Arg(
    ("--format",), help="text for people, json for programs", choices=("text", "json"), default="text"
)
ARG_DEFECTS = Arg(("--defects",), help="Give the newest files the flaws that real ones have had", action="store_true")

ARG_HOST = Arg(("--host",), help="Address to listen on (default: 127.0.0.1)", default="127.0.0.1")
ARG_PORT = Arg(("--port",), help="Port to listen on (default: 8910)", type=int, default=8910, metavar="N")
ARG_NOW = Arg(("--now",), help="Where the simulator's clock starts (default: the real time)", metavar="TIME")
ARG_KEYLESS = Arg(
    ("--keyless",),
    help="Where calls without credentials are served (default: everywhere)",
    choices=("everywhere", "data", "nowhere"),
)
ARG_REQUESTS_PER_MINUTE = Arg(
    ("--requests-per-minute",), help="Answer 429 above this", type=positive_int(allow_zero=False), metavar="N"
)
ARG_FAULT = Arg(
    ("--fault",),
    help="Something to go wrong, such as rate_limited,times=3,seconds=2; may be given several times",
    action="append",
    metavar="KIND[,KEY=VALUE...]",
)


def get_spine_cli_commands() -> list[GroupCommand]:
    """The group ``airflow spine``, as ``provider.yaml`` names it under ``cli``."""
    add_dags_backfill()
    return [
        GroupCommand(
            name="spine",
            help="FINRA OTC Transparency: workflows, domain database, rejects",
            subcommands=(
                GroupCommand(name="db", help="The domain database", subcommands=_db_commands()),
                GroupCommand(name="workflows", help="The workflow files", subcommands=_workflow_commands()),
                ALERTS,
                QUALITY,
                GroupCommand(name="rejects", help="Input lines that were refused", subcommands=_reject_commands()),
                BREAKERS,
                DLQ,
                *_run_commands(),
            ),
        )
    ]


def _db_commands() -> tuple[ActionCommand, ...]:
    going = (ARG_SUPERSEDED_BEFORE, ARG_OLDER_THAN, ARG_KEEP, ARG_DATASET, ARG_TIER, ARG_WEEK_FROM, ARG_WEEK_TO)
    return (
        _command("upgrade", "spine.cli.db.upgrade", "Apply the migrations that are missing", ARG_VERBOSE),
        _command("status", "spine.cli.db.status", "Which migrations are applied", ARG_OUTPUT, ARG_VERBOSE),
        _command(
            "prune", "spine.cli.prune.prune", "Remove the rows of captures that newer ones replaced long ago",
            ARG_DRY_RUN, *going, ARG_YES, ARG_OUTPUT, ARG_VERBOSE,
        ),
        _command("vacuum", "spine.cli.db.vacuum", "Give the space of removed rows back (SQLite)", ARG_VERBOSE),
    )  # fmt: skip


def _workflow_commands() -> tuple[ActionCommand, ...]:
    module = "spine.cli.workflows"
    return (
        _command("list", f"{module}.list_workflows", "Every workflow and its schedules", ARG_OUTPUT, ARG_VERBOSE),
        _command(
            "lint",
            f"{module}.lint_workflows",
            "Check workflow files; exits 1 on an error",
            ARG_WORKFLOW_PATHS,
            ARG_LINT_FORMAT,
            ARG_STRICT,
        ),
        _command("show", f"{module}.show_workflow", "One workflow's steps, in order", ARG_WORKFLOW, ARG_OUTPUT),
        _command(
            "graph", f"{module}.draw_workflow", "One workflow as a picture", ARG_WORKFLOW, ARG_PICTURE, ARG_PICTURE_OUT
        ),
        _command(
            "plan",
            f"{module}.plan_workflow",
            "What a run with these params would do",
            ARG_WORKFLOW,
            ARG_PARAM,
            ARG_OUTPUT,
        ),
        _command(
            "diff",
            f"{module}.diff_workflows",
            "What two versions of a file do differently; exits 1 if they do",
            *ARGS_DIFF,
        ),
        _command("explain", f"{module}.explain_language", "What a step type or a key is", ARG_WORD, ARG_MARKDOWN),
        _command("schema", f"{module}.print_schema", "The language as a JSON Schema, for editors"),
    )


def _reject_commands() -> tuple[ActionCommand, ...]:
    chosen = (ARG_TIER, ARG_WEEK_ENDING, ARG_REASON_CODE, ARG_STAGE, ARG_BY_REASON, ARG_LIMIT, ARG_OUTPUT, ARG_VERBOSE)
    return (
        _command("list", "spine.cli.rejects.list_rejects", "The newest rejects, or how many of each reason", *chosen),
        _command(
            "replay", "spine.cli.rejects.replay_rejects", "Judge a week's refused lines again by today's rules",
            *ARGS_REPLAY, ARG_VERBOSE,
        ),
    )  # fmt: skip


def _run_commands() -> tuple[ActionCommand, ...]:
    market = (ARG_WEEKS, ARG_UNTIL, ARG_TIERS, ARG_SYMBOLS, ARG_VENUES, ARG_SEED)
    files = (ARG_OUT, *market, ARG_FORMAT, ARG_DEFECTS)
    examined = (ARG_WEEKS, ARG_FIRST_WEEK, ARG_LAST_WEEK, ARG_TIER, ARG_ASK_FINRA, ARG_THOROUGH)
    told = (ARG_REPORT_FORMAT, ARG_VERBOSE)
    server = (ARG_HOST, ARG_PORT, ARG_WEEKS, ARG_SYMBOLS, ARG_VENUES, ARG_SEED, ARG_NOW)
    manners = (ARG_KEYLESS, ARG_REQUESTS_PER_MINUTE, ARG_FAULT)
    return (
        _command(
            "run",
            "spine.cli.run.run",
            "Run a workflow without a scheduler",
            ARG_WORKFLOW,
            ARG_PARAM,
            ARG_RUN_OUTPUT,
            ARG_VERBOSE,
        ),
        _command(
            "doctor", "spine.cli.doctor.doctor", "What is missing or wrong; exits 1 when something is", *examined, *told
        ),
        EXPORT,
        _command("synthesize", "spine.cli.synthesize.synthesize", "Write invented FINRA files", *files),
        _command("demo", "spine.cli.demo.demo", "Show the whole path on invented data", ARG_VERBOSE),
        _command(
            "simulate-finra", "spine.cli.simulate.simulate", "Serve FINRA's API over invented weeks", *server, *manners
        ),
    )


def _command(name: str, function: str, summary: str, *args: Arg) -> ActionCommand:
    return ActionCommand(name=name, help=summary, func=lazy_load_command(function), args=args)
