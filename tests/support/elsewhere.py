"""The weekly workflow in a process of its own: to be killed, or to race with another one.

Processes are forked from a server that has imported everything, so that each costs milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from spine.storage.base import Session
from tests.support.storage import open_storage
from tests.support.weekly import Weekly

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        __name__,
        "adbc_driver_postgresql.dbapi",
        "adbc_driver_sqlite.dbapi",
        "holidays.financial",
        "ibm_db_dbi",
        "jsonschema",
        "pyarrow.csv",
        "spine.alerts.notify",
        "spine.pipelines.aggregation",
        "spine.pipelines.ingest",
        "spine.pipelines.normalize",
        "spine.pipelines.rolling",
        "spine.quality.checks",
        "tests.support.warm_gates",
        "spine.sources.delimited",
        "spine.storage.db2",
        "spine.storage.db2_place",
        "spine.storage.postgres",
        "spine.storage.sqlite",
        "sqlalchemy.pool",
    ]
)
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """A run elsewhere. It waits for ``go`` once it has a connection, so that what follows is the run alone."""

    process: Any
    pipe: Connection

    def go(self) -> None:
        self.pipe.recv()
        self.pipe.send("go")

    def result(self) -> dict[str, str]:
        """The status of every step, at its end."""
        assert self.pipe.poll(_PATIENCE), "the run neither ended nor failed"
        statuses: dict[str, str] = self.pipe.recv()
        self.process.join(_PATIENCE)
        return statuses

    def kill(self) -> None:
        self.process.kill()
        self.process.join(_PATIENCE)

    def died(self) -> bool:
        """Whether it came to its own killing and not to its end."""
        self.process.join(_PATIENCE)
        assert self.process.exitcode in (0, -signal.SIGKILL), self.process.exitcode
        return bool(self.process.exitcode)


@contextmanager
def run_elsewhere(url: str, root: Path, params: Mapping[str, Any], *, die_before: int | None = None) -> Iterator[Run]:
    """The workflow in another process, which is gone at the end of the block.

    :param die_before: it kills itself before its n-th access to the database, counted from 0.
    """
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_work, args=(theirs, url, root, dict(params), die_before))
    process.start()
    theirs.close()
    try:
        yield Run(process, ours)
    finally:
        process.kill()
        process.join(_PATIENCE)
        ours.close()


def _work(pipe: Connection, url: str, root: Path, params: dict[str, Any], die_before: int | None) -> None:
    with open_storage(url) as storage:
        with storage.transaction() as session:
            session.query(f"SELECT 1 AS one {session.dialect.no_table}")
        pipe.send("ready")
        pipe.recv()
        if die_before is not None:
            die_before_access(type(session), die_before)
        ended = Weekly(storage, root).attempt(**params)
        pipe.send({name: str(step.result.status if step.result else step.state) for name, step in ended.steps.items()})


def die_before_access(session: type[Session], accesses: int) -> None:
    """SIGKILL cannot be caught, cleaned up after or seen coming: it comes right before access number ``accesses``."""
    numbers = count()

    def deadly(access: Any) -> Any:
        def counted(*args: Any, **options: Any) -> Any:
            if next(numbers) == accesses:
                os.kill(os.getpid(), signal.SIGKILL)
            return access(*args, **options)

        return counted

    for name in ("execute", "query", "bulk_load"):
        setattr(session, name, deadly(getattr(session, name)))
