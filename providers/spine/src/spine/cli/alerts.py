"""``airflow spine alerts``: what was raised, who heard of it, and who is not to."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from argparse import Namespace
from typing import Any

from airflow.cli.simple_table import AirflowConsole

from spine.cli.session import spine_session
from spine.core.errors import ValidationError
from spine.core.suggest import did_you_mean
from spine.documents.spans import parse_duration
from spine.pipelines.context import utc_now


def list_alerts(args: Namespace) -> None:
    """The newest alerts, each with what became of it."""
    wanted = {name: getattr(args, name) for name in ("severity", "source", "cause") if getattr(args, name, None)}
    where = " AND ".join(f"{name} = :{name}" for name in wanted) or "1 = 1"
    with spine_session() as (_, storage):
        rows = storage.query(
            "SELECT raised_at, severity, state, title, source, domain, tier, week_ending, cause, outcome, outcome_detail, "
            f"alert_id FROM core_alerts WHERE {where} ORDER BY raised_at DESC, alert_id {storage.dialect.limit(args.limit)}",
            wanted,
        )
        _print([{**row, "outcome": row["outcome"] or "waiting"} for row in rows], args.output, "alerts")


def show_alert(args: Namespace) -> None:
    """One alert with all it says, and each attempt to deliver a message that it is in."""
    with spine_session() as (_, storage):
        row = storage.query("SELECT * FROM core_alerts WHERE alert_id = :alert_id", {"alert_id": args.alert_id}).first
        if row is None:
            raise ValidationError(f"no alert {args.alert_id!r}; `airflow spine alerts list` has them")
        tries = storage.query(
            "SELECT channel, sent_at, attempt, success, error FROM alert_history WHERE alert_id = :alert_id ORDER BY sent_at",
            {"alert_id": args.alert_id},
        )
        shown = {**row, "metadata_json": json.loads(row["metadata_json"])}
        print(json.dumps({**shown, "deliveries": list(tries)}, default=str, indent=2))


def deliver_alerts(args: Namespace) -> None:
    """Deliver what is due: once, or until stopped."""
    from spine.alerts.config import load_alert_config
    from spine.alerts.delivery import deliver
    from spine.alerts.telling import with_connections
    from spine.hooks.connections import AirflowConnections

    connections = AirflowConnections()
    with spine_session() as (settings, storage):
        while True:
            config = with_connections(load_alert_config(settings.include_dir, settings.environment), connections)
            print(json.dumps(deliver(storage, config, connections, clock=utc_now).to_dict()), flush=True)
            if not args.loop:
                return
            time.sleep(args.every)


def silence(args: Namespace) -> None:
    """Do not tell what matches, for a while."""
    from spine.alerts.config import LABELS

    matchers: dict[str, list[str]] = {}
    for each in args.matchers:
        name, found, value = each.partition("=")
        if not found or name not in LABELS:
            raise SystemExit(f"{each!r} is no matcher; expected label=pattern, {did_you_mean(name, LABELS)}")
        matchers.setdefault(name, []).append(value)
    seconds = parse_duration(args.duration)
    if seconds is None:
        raise SystemExit(f"{args.duration!r} is no span of time; expected seconds, or text such as 90m, 2h or 1d")
    now = utc_now()
    silence_id = uuid.uuid4().hex[:12]
    with spine_session() as (_, storage):
        storage.execute(
            "INSERT INTO core_alert_silences (silence_id, match_json, owner, reason, created_at, expires_at) "
            "VALUES (:silence_id, :match, :owner, :reason, :now, :expires_at)",
            {
                "silence_id": silence_id,
                "match": matchers,
                "owner": args.by,
                "reason": args.reason,
                "now": now,
                "expires_at": now + dt.timedelta(seconds=seconds),
            },
        )
    print(f"silence {silence_id} until {now + dt.timedelta(seconds=seconds):%Y-%m-%d %H:%M} UTC")


def list_silences(args: Namespace) -> None:
    """Those that hold."""
    with spine_session() as (_, storage):
        rows = storage.query(
            "SELECT silence_id, match_json, owner, reason, expires_at FROM core_alert_silences WHERE expires_at > :now "
            "ORDER BY expires_at",
            {"now": utc_now()},
        )
        _print(list(rows), args.output, "silences")


def expire_silence(args: Namespace) -> None:
    """End one now."""
    with spine_session() as (_, storage):
        ended = storage.execute(
            "UPDATE core_alert_silences SET expires_at = :now WHERE silence_id = :silence_id AND expires_at > :now",
            {"now": utc_now(), "silence_id": args.silence_id},
        )
        if not ended:
            raise ValidationError(
                f"no silence {args.silence_id!r} holds; `airflow spine alerts silences` has those that do"
            )


def history(args: Namespace) -> None:
    """Every attempt to deliver, the newest first."""
    wanted = {"channel": args.channel} if args.channel else {}
    where = "channel = :channel" if wanted else "1 = 1"
    with spine_session() as (_, storage):
        rows = storage.query(
            "SELECT sent_at, channel, success, attempt, severity, title, source, error, metadata FROM alert_history "
            f"WHERE {where} ORDER BY sent_at DESC, delivery_id {storage.dialect.limit(args.limit)}",
            wanted,
        )
        _print(list(rows), args.output, "deliveries")


def retry_deliveries(args: Namespace) -> None:
    """Make messages due again that were given up, of one channel or all."""
    wanted = {"channel": args.channel} if args.channel else {}
    where = " AND channel = :channel" if wanted else ""
    with spine_session() as (_, storage):
        again = storage.execute(
            "UPDATE core_alert_deliveries SET status = 'PENDING', attempt = 0, next_attempt_at = :now "
            f"WHERE status = 'FAILED'{where}",
            {"now": utc_now(), **wanted},
        )
    print(f"{again} messages are due again")


def prune(args: Namespace) -> None:
    """Remove what was handled, and delivered or given up, longer ago than this."""
    from spine.alerts.retention import prune_alerts

    seconds = parse_duration(args.older_than)
    if seconds is None:
        raise SystemExit(f"{args.older_than!r} is no span of time; expected text such as 90d")
    with spine_session() as (_, storage):
        _print([prune_alerts(storage, utc_now() - dt.timedelta(seconds=seconds))], args.output, "rows")


def lint(args: Namespace) -> None:
    """Check the routes; exits 1 on an error."""
    from spine.alerts.config import load_alert_config

    with spine_session() as (settings, _):
        config = load_alert_config(settings.include_dir, settings.environment)
    print(
        f"{len(config.channels)} channels, {len(config.routes)} routes, {len(config.inhibitions)} inhibitions: no problem"
    )


def route_test(args: Namespace) -> None:
    """Where an alert would go. Channels without their connection are marked as off."""
    from spine.alerts.config import labels_of, load_alert_config
    from spine.alerts.model import Alert, AlertSeverity
    from spine.alerts.routing import ways
    from spine.alerts.telling import with_connections
    from spine.hooks.connections import AirflowConnections

    fields = {name: getattr(args, name) for name in ("domain", "tier", "cause", "workflow") if getattr(args, name)}
    alert = Alert(AlertSeverity(args.severity), "a test", "", args.source, **fields)
    with spine_session() as (settings, _):
        config = load_alert_config(settings.include_dir, settings.environment)
        on = with_connections(config, AirflowConnections()).channels
    found = [
        {"channel": way.channel, "kind": config.channels[way.channel].settings.kind, "on": way.channel in on}
        for way in ways(alert, labels_of(alert, config.environment), config)
    ]
    _print(found, args.output, "channels")


def backtest(args: Namespace) -> None:
    """How many messages the stored alerts would have been under the routes as they are now."""
    from spine.alerts.backtest import simulate
    from spine.alerts.config import load_alert_config

    seconds = parse_duration(args.last)
    if seconds is None:
        raise SystemExit(f"{args.last!r} is no span of time; expected text such as 7d")
    with spine_session() as (settings, storage):
        config = load_alert_config(settings.include_dir, settings.environment)
        _print(simulate(storage, config, utc_now() - dt.timedelta(seconds=seconds)), args.output, "messages")


def _print(rows: list[dict[str, Any]], output: str, what: str) -> None:
    AirflowConsole().print_as(data=rows or [{what: "none"}], output=output)
