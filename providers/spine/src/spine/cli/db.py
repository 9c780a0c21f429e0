"""``airflow spine db``: the domain database's migrations and its size."""

from __future__ import annotations

import datetime as dt
from argparse import Namespace

from airflow.cli.simple_table import AirflowConsole

from spine.cli.session import spine_session
from spine.finra.dataset import OTC_TRANSPARENCY
from spine.storage import migrations
from spine.storage.rooms import make_rooms
from spine.storage.sqlite import SqliteStorage


def upgrade(args: Namespace) -> None:
    """Apply what is pending; safe to run at any time and from several places at once."""
    with spine_session() as (settings, storage):
        applied = migrations.upgrade(storage, settings.sql_dir)
        make_rooms(storage, OTC_TRANSPARENCY.lines_table, dt.datetime.now(dt.UTC).date())
        print(f"{storage.describe()}: " + (f"applied {', '.join(applied)}" if applied else "up to date"))


def status(args: Namespace) -> None:
    """List the migrations. Exits with 1 when one is pending or was edited."""
    with spine_session() as (settings, storage):
        found = migrations.status(storage, settings.sql_dir)
        rows = [
            {"migration": name, "state": "changed" if name in found.changed else "applied"} for name in found.applied
        ]
        rows += [{"migration": name, "state": "pending"} for name in found.pending]
        rows += [{"migration": name, "state": "unknown to this version"} for name in found.unknown]
        AirflowConsole().print_as(data=rows, output=args.output)
        if found.pending or found.changed:
            raise SystemExit(1)


def vacuum(args: Namespace) -> None:
    """Give the space of removed rows back to the disk. Readers go on, writers wait."""
    with spine_session() as (_, storage):
        if not isinstance(storage, SqliteStorage):
            print(f"{storage.describe()} looks after its own space; nothing was done")
            return
        print(f"{storage.describe()}: {storage.vacuum():,} bytes given back")
