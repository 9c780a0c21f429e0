"""The shape of ``airflow spine alerts ...``."""

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

_SEVERITIES = ("INFO", "WARNING", "ERROR", "CRITICAL")
_LIMIT = Arg(
    ("--limit",), help="At most this many rows (default: 100)", type=positive_int(allow_zero=False), default=100
)
_SEVERITY = Arg(("--severity",), help="Only of this severity", choices=_SEVERITIES)
_SOURCE = Arg(("--source",), help="Only what this raised", metavar="NAME")
_CAUSE = Arg(("--cause",), help="Only of this cause, such as gate:row_count", metavar="CAUSE")
_ALERT_ID = Arg(("alert_id",), help="As `list` shows it", metavar="ALERT")
_LOOP = Arg(("--loop",), help="Go on until stopped", action="store_true")
_EVERY = Arg(("--every",), help="Seconds between two rounds (default: 15)", type=float, default=15.0, metavar="SECONDS")
_MATCHER = Arg(
    ("--matcher",), help="label=pattern, with * for any text; may be given several times", action="append", dest="matchers",
    required=True, metavar="LABEL=PATTERN",
)  # fmt: skip
_FOR = Arg(("--for",), help="How long, as 90m, 2h or 1d", dest="duration", required=True, metavar="SPAN")
_BY = Arg(("--by",), help="Who answers for it (default: you)", default=getpass.getuser(), metavar="NAME")
_REASON = Arg(("--reason",), help="Why", required=True, metavar="TEXT")
_SILENCE_ID = Arg(("silence_id",), help="As `silences` shows it", metavar="SILENCE")
_CHANNEL = Arg(("--channel",), help="Only this channel", metavar="NAME")
_OLDER_THAN = Arg(("--older-than",), help="As 90d (default: 90d)", default="90d", metavar="SPAN")
_LAST = Arg(("--last",), help="Alerts of this time, as 7d (default: 7d)", default="7d", metavar="SPAN")
_TESTED = (
    Arg(("--severity",), help="Of the alert (default: ERROR)", choices=_SEVERITIES, default="ERROR"),
    Arg(("--source",), help="Of the alert", default="test", metavar="NAME"),
    Arg(("--domain",), help="Of the alert", metavar="NAME"),
    Arg(("--tier",), help="Of the alert", metavar="TIER"),
    Arg(("--cause",), help="Of the alert", metavar="CAUSE"),
    Arg(("--workflow",), help="Of the alert", metavar="NAME"),
)


def _command(name: str, function: str, summary: str, *args: Arg) -> ActionCommand:
    return ActionCommand(name=name, help=summary, func=lazy_load_command(f"spine.cli.alerts.{function}"), args=args)


ALERTS = GroupCommand(
    name="alerts",
    help="What was raised, who heard of it, and who is not to",
    subcommands=(
        _command(
            "list",
            "list_alerts",
            "The newest alerts and what became of them",
            _SEVERITY,
            _SOURCE,
            _CAUSE,
            _LIMIT,
            ARG_OUTPUT,
            ARG_VERBOSE,
        ),
        _command("show", "show_alert", "One alert and its deliveries, as JSON", _ALERT_ID, ARG_VERBOSE),
        _command("deliver", "deliver_alerts", "Deliver what is due", _LOOP, _EVERY, ARG_VERBOSE),
        _command("history", "history", "Every attempt to deliver", _CHANNEL, _LIMIT, ARG_OUTPUT, ARG_VERBOSE),
        _command("retry", "retry_deliveries", "Make messages due again that were given up", _CHANNEL, ARG_VERBOSE),
        _command(
            "silence", "silence", "Do not tell what matches, for a while", _MATCHER, _FOR, _BY, _REASON, ARG_VERBOSE
        ),
        _command("silences", "list_silences", "The silences that hold", ARG_OUTPUT, ARG_VERBOSE),
        _command("expire", "expire_silence", "End a silence now", _SILENCE_ID, ARG_VERBOSE),
        _command("lint", "lint", "Check include/alerts.yaml", ARG_VERBOSE),
        _command("route-test", "route_test", "Where an alert would go", *_TESTED, ARG_OUTPUT, ARG_VERBOSE),
        _command(
            "backtest", "backtest", "Stored alerts through the routes as they are now", _LAST, ARG_OUTPUT, ARG_VERBOSE
        ),
        _command("prune", "prune", "Remove what is over long since", _OLDER_THAN, ARG_OUTPUT, ARG_VERBOSE),
    ),
)
