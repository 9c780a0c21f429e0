"""The arguments of ``airflow spine breakers`` and ``airflow spine dlq``. Every ``airflow`` command imports this: names and
help only."""

from __future__ import annotations

from airflow.cli.cli_config import (
    ARG_OUTPUT,
    ARG_VERBOSE,
    ActionCommand,
    Arg,
    GroupCommand,
    lazy_load_command,
    positive_int,
)

_NAME = Arg(("name",), help="As `airflow spine breakers list` shows it, such as finra:api.finra.org", metavar="NAME")
_ID = Arg(("dlq_id",), help="As `airflow spine dlq list` shows it; its first letters will do", metavar="ID")
_ONE_ID = Arg(
    ("dlq_id",), help="The letter to retry; --due instead takes all whose time has come", nargs="?", metavar="ID"
)
_DUE = Arg(("--due",), help="Every letter whose time has come", action="store_true")
_TRIGGER = Arg(
    ("--trigger",), help="By a run of the workflow's DAG, which a scheduler must be there for", action="store_true"
)
_REASON = Arg(("--reason",), help="Why it needs no retry any more", required=True, metavar="TEXT")
_STATUS = Arg(
    ("--status",),
    help="Only these (default: all but resolved)",
    choices=("pending", "retrying", "exhausted", "resolved"),
)
_LIMIT = Arg(("--limit",), help="At most this many (default: 100)", type=positive_int(allow_zero=False), default=100)


def _command(name: str, function: str, summary: str, *args: Arg) -> ActionCommand:
    return ActionCommand(
        name=name, help=summary, func=lazy_load_command(function), args=(*args, ARG_OUTPUT, ARG_VERBOSE)
    )


BREAKERS = GroupCommand(
    name="breakers",
    help="Circuit breakers before FINRA, servers, databases and channels",
    subcommands=(
        _command("list", "spine.cli.breakers.list_breakers", "All that ever changed; exits 1 when one is not closed"),
        _command("reset", "spine.cli.breakers.reset", "Close one: calls go through at once", _NAME),
        _command("trip", "spine.cli.breakers.trip", "Open one: nobody asks for the recovery time", _NAME),
    ),
)
DLQ = GroupCommand(
    name="dlq",
    help="Dead letters: work that failed for good",
    subcommands=(
        _command("list", "spine.cli.dlq.list_letters", "The newest failures first", _STATUS, _LIMIT),
        _command("show", "spine.cli.dlq.show", "One letter: its error, its work, when it is retried", _ID),
        _command(
            "retry", "spine.cli.dlq.retry", "Do the work again; exits 1 when it fails", _ONE_ID, _DUE, _TRIGGER, _LIMIT
        ),
        _command("resolve", "spine.cli.dlq.resolve", "Give one up, or say that it was done otherwise", _ID, _REASON),
    ),
)
