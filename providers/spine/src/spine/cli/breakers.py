"""``airflow spine breakers``: which dependencies are held back, and a hand on the switch."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.cli.simple_table import AirflowConsole

from spine.cli.session import spine_session
from spine.cli.who import this_person
from spine.pipelines.context import utc_now
from spine.resilience.breaker import State
from spine.resilience.breakers import Breakers

if TYPE_CHECKING:
    from spine.resilience.breaker_table import Known


def list_breakers(args: Namespace) -> None:
    """Every breaker that ever changed. Exits with 1 when one is not closed."""
    with _breakers() as breakers:
        known = breakers.every()
        AirflowConsole().print_as(data=[_row(each) for each in known] or [{"breakers": "none"}], output=args.output)
        if any(each.breaker.state is not State.CLOSED for each in known):
            raise SystemExit(1)


def reset(args: Namespace) -> None:
    """Close one."""
    with _breakers() as breakers:
        AirflowConsole().print_as(data=[_row(breakers.reset(args.name, by=this_person()))], output=args.output)


def trip(args: Namespace) -> None:
    """Open one."""
    with _breakers() as breakers:
        AirflowConsole().print_as(data=[_row(breakers.trip(args.name, by=this_person()))], output=args.output)


@contextmanager
def _breakers() -> Iterator[Breakers]:
    with spine_session() as (settings, storage):
        yield Breakers(storage, utc_now, settings.breaker)


def _row(known: Known) -> dict[str, str]:
    picture = known.to_dict()
    shown = ("name", "state", "failure_count", "success_count", "last_failure_at", "opened_at", "last_error")
    return {name: str(picture[name] if picture[name] is not None else "") for name in shown}
