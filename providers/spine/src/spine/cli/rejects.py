"""``airflow spine rejects``: the input lines that were refused, and why."""

from __future__ import annotations

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


def list_rejects(args: Namespace) -> None:
    """The newest rejects first, of one tier or week when asked."""
    with spine_session() as (_, storage):
        wanted: dict[str, Any] = {}
        if args.tier:
            wanted["tier"] = str(Tier.parse(args.tier))
        if args.week_ending:
            wanted["week_ending"] = parse_week_ending(args.week_ending)
        where = " AND ".join(f"c.{name} = :{name}" for name in wanted) or "1 = 1"
        rows = storage.stream(
            f"SELECT {_COLUMNS} FROM core_rejects r LEFT JOIN core_captures c ON c.capture_id = r.capture_id WHERE {where} "
            f"ORDER BY r.created_at DESC, r.line_number {storage.dialect.limit(args.limit)}",
            wanted,
        )
        AirflowConsole().print_as(data=list(rows) or [{"rejects": "none"}], output=args.output)
