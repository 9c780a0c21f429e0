"""Who reads the published views waits for nobody, and sees the old state until the very commit that replaces it.

A reader here gives up after a tenth of a second of waiting for a lock: that it does not is the proof.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from spine.core.errors import TransientError
from spine.core.tiers import Tier
from spine.finra.download_file import write_week_file
from spine.finra.synthetic import SyntheticMarket
from spine.storage.adbc import AdbcSession
from spine.storage.base import Storage
from spine.storage.ledger import Stage
from spine.storage.postgres import PostgresStorage
from tests.support.storage import open_storage, open_upgraded
from tests.support.weekly import LATEST, LINES, PREFIX, Clock, Weekly

pytestmark = pytest.mark.integration

WEEKS = (dt.date(2026, 3, 6), dt.date(2026, 3, 13), dt.date(2026, 3, 20))
RESTATED = WEEKS[1]
MARKET = SyntheticMarket(symbols={Tier.T2: 60}, venues=20)
STAGES = {f"{PREFIX}_venue_volume_latest": Stage.NORMALIZED, f"{PREFIX}_symbol_rolling_latest": Stage.ROLLING}
LATER = Clock(dt.datetime(2026, 8, 10, 12, tzinfo=dt.UTC))  # than the weeks that are there
PATIENCE = 60.0

Published = tuple[Stage, dt.date]
Picture = dict[tuple[str, dt.date], list[dict[str, Any]]]


class Halting(PostgresStorage):
    """Stops before the commits that ``halt`` has a word for, until it is told to go on."""

    def __init__(self, url: str, halt: Callable[[AdbcSession], Any]) -> None:
        super().__init__(url)
        self._halt = halt
        self.halted: Queue[Any] = Queue()
        self.go_on: Queue[None] = Queue()

    def _commit(self, session: AdbcSession) -> None:
        if word := self._halt(session):
            self.halted.put(word)
            self.go_on.get(timeout=PATIENCE)
        super()._commit(session)


def published(session: AdbcSession) -> Published | None:
    """What the transaction is about to publish."""
    found = session.query(
        "SELECT m.stage, c.week_ending FROM core_manifest m JOIN core_captures c ON c.capture_id = m.capture_id "
        "WHERE m.xmin = pg_current_xact_id()::xid"
    ).rows
    return (Stage(found[0][0]), found[0][1]) if found else None


@contextmanager
def impatient(url: str) -> Iterator[PostgresStorage]:
    storage = PostgresStorage(f"{url}?options=-c%20lock_timeout%3D100%20-c%20statement_timeout%3D20000")
    try:
        yield storage
    finally:
        storage.close()


@contextmanager
def halting(url: str, halt: Callable[[AdbcSession], Any]) -> Iterator[Halting]:
    storage = Halting(url, halt)
    try:
        yield storage
    finally:
        storage.close()


@pytest.fixture
def url(postgres_url: str, tmp_path: Path) -> str:
    """A database with three weeks, each with rolling figures, and files of them."""
    with open_upgraded(postgres_url) as storage:
        weekly = Weekly(storage, tmp_path)
        for week_ending in WEEKS:
            refresh(weekly, week_ending)
    return postgres_url


def refresh(weekly: Weekly, week_ending: dt.date, revision: int = 0) -> None:
    path = f"{week_ending}_{revision}.csv"
    write_week_file(MARKET.week(Tier.T2, week_ending, revision=revision), weekly.root / path)
    weekly.run(tier="T2", week_ending=week_ending.isoformat(), file_path=path, window_weeks=2)


def picture(storage: Storage) -> Picture:
    """What readers see, by view and week."""
    seen: Picture = {}
    for view in LATEST:
        for row in sorted(storage.query(f"SELECT * FROM {view}"), key=repr):
            seen.setdefault((view, row["week_ending"]), []).append(row)
    return seen


def test_a_restated_week_appears_at_once_when_its_gates_let_it_pass(url: str, tmp_path: Path) -> None:
    """Its rows are loaded, judged and derived behind readers' backs, then rolling figures follow before their eyes."""
    committed: list[Published] = []
    seen: list[tuple[bool, set[Published], Picture]] = []
    with impatient(url) as reader, halting(url, published) as publisher, ThreadPoolExecutor(1) as other:
        before = picture(reader)
        run = other.submit(refresh, Weekly(publisher, tmp_path, LATER), RESTATED, 1)
        for _ in range(5):
            about_to = publisher.halted.get(timeout=PATIENCE)
            seen.append((about_to[0] is Stage.ROLLING, set(committed), picture(reader)))
            committed.append(about_to)
            publisher.go_on.put(None)
        run.result(PATIENCE)
        after = picture(reader)

    assert committed == [
        *((stage, RESTATED) for stage in (Stage.INGESTED, Stage.NORMALIZED, Stage.AGGREGATED)),
        (Stage.ROLLING, WEEKS[2]),
        (Stage.ROLLING, RESTATED),
    ]
    for is_public, done, found in seen:
        for view, week in before:
            rolling = STAGES.get(view) is Stage.ROLLING
            appeared = (Stage.ROLLING, week) in done if rolling else is_public
            assert found[view, week] == (after if appeared else before)[view, week], (view, week, done)
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {(view, RESTATED) for view in LATEST} | {(f"{PREFIX}_symbol_rolling_latest", WEEKS[2])}


def test_a_partition_is_attached_while_others_read_and_load(url: str, tmp_path: Path) -> None:
    with impatient(url) as reader, halting(url, lambda _: "attaching") as maker, ThreadPoolExecutor(1) as other:
        before = picture(reader)
        room = other.submit(maker.room_for, LINES, dt.date(2031, 1, 3))
        assert maker.halted.get(timeout=PATIENCE) == "attaching"
        assert picture(reader) == before
        refresh(Weekly(reader, tmp_path, LATER), RESTATED, 1)
        maker.go_on.put(None)
        assert room.result(PATIENCE) == f"{LINES}_2031"
        assert picture(reader).keys() == before.keys()


def test_statistics_are_gathered_while_others_read_and_load(url: str, tmp_path: Path) -> None:
    with impatient(url) as reader, open_storage(url) as other, other.transaction() as session:
        before = picture(reader)
        for table in (reader.room_for(LINES, RESTATED), f"{PREFIX}_symbol_summary"):
            session.execute(f"ANALYZE {table}")  # its lock stays until the transaction ends
        assert picture(reader) == before
        refresh(Weekly(reader, tmp_path, LATER), RESTATED, 1)
        assert picture(reader) != before


def test_a_lock_that_readers_wait_for_would_be_noticed(url: str) -> None:
    with impatient(url) as reader, open_storage(url) as other, other.transaction() as session:
        session.execute(f"LOCK TABLE {PREFIX}_symbol_summary")
        with pytest.raises(TransientError, match="lock timeout"):
            picture(reader)
