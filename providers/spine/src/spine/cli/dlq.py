"""``airflow spine dlq``: work that failed for good, seen, done again, or given up."""

from __future__ import annotations

import json
import logging
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from airflow.cli.simple_table import AirflowConsole

from spine.cli.session import spine_session
from spine.cli.who import this_person
from spine.core.errors import ValidationError
from spine.pipelines.context import utc_now
from spine.resilience.dead_letters import DeadLetter, LetterStatus, letter_by_prefix, letters, resolve_letter

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.storage.base import Storage

_SHOWN = (
    "dlq_id",
    "source_id",
    "partition_key",
    "status",
    "error_category",
    "retry_count",
    "next_retry_at",
    "last_failed_at",
)


def list_letters(args: Namespace) -> None:
    """The newest failures first."""
    with spine_session() as (_, storage):
        status = LetterStatus(args.status) if args.status else None
        _print(letters(storage, status=status, limit=args.limit), args.output)


def show(args: Namespace) -> None:
    """One of them, as JSON."""
    with spine_session() as (_, storage):
        print(json.dumps(letter_by_prefix(storage, args.dlq_id).to_dict(), indent=2))


def retry(args: Namespace) -> None:
    """Do the work of one, or of all that are due. Exits with 1 when any of them failed again."""
    logging.getLogger("spine").setLevel(logging.INFO if args.verbose else logging.CRITICAL)
    with spine_session() as (settings, storage):
        if bool(args.dlq_id) == bool(args.due):
            raise ValidationError("which dead letter? Give an ID, or --due for all whose time has come")
        retried = _triggered(args, settings, storage) if args.trigger else _done_here(args, settings, storage)
        _print(retried, args.output)
        failed = (LetterStatus.EXHAUSTED, *(() if args.trigger else (LetterStatus.PENDING,)))
        if any(each.status in failed for each in retried):
            raise SystemExit(1)


def resolve(args: Namespace) -> None:
    """Give one up, or say that it was done otherwise."""
    with spine_session() as (_, storage):
        letter = letter_by_prefix(storage, args.dlq_id)
        done = resolve_letter(storage, letter.dlq_id, by=this_person(), reason=args.reason, now=utc_now())
        _print([done], args.output)


def _done_here(args: Namespace, settings: Settings, storage: Storage) -> list[DeadLetter]:
    from spine.alerts.model import Alert, AlertSeverity
    from spine.alerts.notify import OutboxNotifier
    from spine.hooks.connections import AirflowConnections
    from spine.workflows.again import retry_due, retry_letter

    connections, about = AirflowConnections(), Alert(AlertSeverity.INFO, "A dead letter was retried", "", "spine.dlq")
    notifier = OutboxNotifier(about, storage, settings, connections, utc_now)
    world: dict[str, Any] = {"by": f"dlq retry by {this_person()}", "notifier": notifier}
    if args.due:
        return retry_due(storage, settings, connections, limit=args.limit, **world)
    dlq_id = letter_by_prefix(storage, args.dlq_id).dlq_id
    return [retry_letter(storage, settings, connections, dlq_id, **world)]


def _triggered(args: Namespace, settings: Settings, storage: Storage) -> list[DeadLetter]:
    from airflow.api.client import get_current_api_client

    from spine.resilience.retrying import due_letters
    from spine.workflows.again import trigger_letter

    client, now = get_current_api_client(), utc_now()
    ids = due_letters(storage, now, args.limit) if args.due else [letter_by_prefix(storage, args.dlq_id).dlq_id]

    def start(dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
        client.trigger_dag(dag_id=dag_id, run_id=run_id, conf=conf)

    return [trigger_letter(storage, settings, each, start, now=now) for each in ids]


def _print(found: list[DeadLetter], output: str) -> None:
    rows = [{name: each.to_dict()[name] for name in _SHOWN} for each in found]
    AirflowConsole().print_as(data=rows or [{"dead_letters": "none"}], output=output)
