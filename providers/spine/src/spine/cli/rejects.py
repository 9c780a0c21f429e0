"""``airflow spine rejects``: the input lines that were refused, and why."""

from __future__ import annotations

import json
from argparse import Namespace

from airflow.cli.simple_table import AirflowConsole

from spine.cli.session import errors_in_one_line, spine_session
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending
from spine.quality.rejects import AskedRejects, count_rejects, read_rejects


def list_rejects(args: Namespace) -> None:
    """The newest rejects first, of one tier, week or reason when asked; or how many of each reason."""
    with spine_session() as (_, storage):
        asked = AskedRejects(
            tier=str(Tier.parse(args.tier)) if args.tier else "",
            week_ending=parse_week_ending(args.week_ending) if args.week_ending else None,
            reason=args.reason or "",
            stage=args.stage or "",
        )
        rows = (count_rejects if args.by_reason else read_rejects)(storage, asked, args.limit)
    AirflowConsole().print_as(data=rows or [{"rejects": "none"}], output=args.output)


def replay_rejects(args: Namespace) -> None:
    """Judge a week's refused lines again by today's rules; what is recovered is published as a new capture."""
    from spine.cli.run import run

    with errors_in_one_line():
        params = {
            "tier": str(Tier.parse(args.tier)),
            "week_ending": parse_week_ending(args.week_ending).isoformat(),
            "by": args.by,
            "replay_reason": args.reason,
        }
    run(
        Namespace(
            workflow="finra.replay_week", params=[f"{name}={json.dumps(value)}" for name, value in params.items()]
        )
    )
