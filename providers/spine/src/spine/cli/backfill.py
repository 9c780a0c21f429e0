"""``airflow dags backfill``: the command that Airflow 3 replaced by ``airflow backfill create``, kept under its old name."""

from __future__ import annotations

import logging
import sys
from argparse import Namespace

from airflow.cli.cli_config import (
    ARG_BACKFILL_DRY_RUN,
    ARG_BACKFILL_REPROCESS_BEHAVIOR,
    ARG_CONF,
    ARG_DAG_ID,
    ARG_END_DATE,
    ARG_MAX_ACTIVE_RUNS,
    ARG_RUN_BACKWARDS,
    ARG_START_DATE,
    ActionCommand,
    CLICommand,
    GroupCommand,
    lazy_load_command,
)

log = logging.getLogger(__name__)

DAGS_BACKFILL = ActionCommand(
    name="backfill",
    help="Create a backfill for a Dag: the same as `airflow backfill create`",
    func=lazy_load_command("spine.cli.backfill.backfill"),
    args=(
        ARG_DAG_ID,
        ARG_START_DATE,
        ARG_END_DATE,
        ARG_CONF,
        ARG_RUN_BACKWARDS,
        ARG_MAX_ACTIVE_RUNS,
        ARG_BACKFILL_REPROCESS_BEHAVIOR,
        ARG_BACKFILL_DRY_RUN,
    ),
)


def add_dags_backfill() -> None:
    """Put the command into Airflow's ``dags`` group, while Airflow is building its command line.

    Airflow has no public way to add to a group of its own. Where it is built differently than known, the command is
    missing and nothing else.
    """
    try:
        commands: list[CLICommand] = sys.modules["airflow.cli.cli_parser"].airflow_commands
        position = next(number for number, command in enumerate(commands) if command.name == "dags")
        group = commands[position]
        if isinstance(group, GroupCommand) and all(each.name != DAGS_BACKFILL.name for each in group.subcommands):
            commands[position] = group._replace(subcommands=(*group.subcommands, DAGS_BACKFILL))
    except Exception:  # every airflow command runs this, and none may stop because of an alias
        log.debug("`airflow dags backfill` is not available; use `airflow backfill create`", exc_info=True)


def backfill(args: Namespace) -> None:
    """As in Airflow 2: with one of the two dates only, that day."""
    from airflow.cli.commands.backfill_command import create_backfill

    start, end = args.start_date or args.end_date, args.end_date or args.start_date
    if start is None:
        raise SystemExit("which dates? Pass --start-date, --end-date or both")
    renamed = {"from_date": start, "to_date": end, "dag_run_conf": args.conf, "run_on_latest_version": None}
    create_backfill(Namespace(**vars(args), **renamed))
