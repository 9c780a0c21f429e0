"""``airflow spine rejects``: the input lines that were refused, and why."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from airflow.cli.simple_table import AirflowConsole

from spine.cli.session import spine_session
from spine.core.tiers import Tier
from spine.core.weeks import parse_week_ending

_COLUMNS = (
    "r.domain, c.tier, c.week_ending, r.stage, r.line_number, r.reason_code, r.reason_detail, r.source_locator, "
    "r.capture_id"
)


_BY_REASON = (
    "r.reason_code, r.stage, c.tier, c.week_ending, COUNT(*) AS row_count, MIN(r.line_number) AS first_line, "
    "MIN(r.reason_detail) AS for_example, r.capture_id"
)


def list_rejects(args: Namespace) -> None:
    """The newest rejects first, of one tier, week or reason when asked; or how many of each reason."""
    with spine_session() as (_, storage):
        wanted: dict[str, Any] = {}
        if args.tier:
            wanted["c.tier"] = str(Tier.parse(args.tier))
        if args.week_ending:
            wanted["c.week_ending"] = parse_week_ending(args.week_ending)
        wanted |= {
            f"r.{column}": value for column, value in (("reason_code", args.reason), ("stage", args.stage)) if value
        }
        values = {f"value_{number}": value for number, value in enumerate(wanted.values())}
        where = " AND ".join(f"{column} = :{name}" for column, name in zip(wanted, values, strict=True)) or "1 = 1"
        found = f"FROM core_rejects r LEFT JOIN core_captures c ON c.capture_id = r.capture_id WHERE {where}"
        limit = storage.dialect.limit(args.limit)
        if args.by_reason:
            grouped = "GROUP BY r.reason_code, r.stage, c.tier, c.week_ending, r.capture_id"
            sql = f"SELECT {_BY_REASON} {found} {grouped} ORDER BY row_count DESC, r.reason_code, r.capture_id {limit}"
        else:
            sql = f"SELECT {_COLUMNS} {found} ORDER BY r.created_at DESC, r.line_number {limit}"
        rows = list(storage.stream(sql, values))
        AirflowConsole().print_as(data=rows or [{"rejects": "none"}], output=args.output)


def replay_rejects(args: Namespace) -> None:
    """Judge a week's refused lines again by today's rules; what is recovered is published as a new capture."""
    from spine.cli.run import run

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
