"""What is measured on a history: taking in a week, one rolling, and the reads that people make."""

from __future__ import annotations

import datetime as dt
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.databases import open_upgraded
from benchmarks.history import publications, take_in, week_after
from benchmarks.machine import timed
from benchmarks.week_runs import run_pipelines

if TYPE_CHECKING:
    from benchmarks.databases import Place
    from spine.finra.synthetic import SyntheticMarket
    from spine.storage.base import Storage

PREFIX = "finra_otc_transparency"
READS = ("symbol_52_weeks", "venue_volume_52_weeks", "venue_volume_week", "as_of_week")
_TIER = "T1"
_WEEKS_BACK = 20  # of the week that is read as it was known
_SYMBOL = "WHERE tier = :tier AND symbol = :symbol AND week_ending > :year_ago ORDER BY week_ending"
_SQL = {
    "symbol_52_weeks": f"SELECT * FROM {PREFIX}_symbol_summary_latest {_SYMBOL}",
    "venue_volume_52_weeks": f"SELECT * FROM {PREFIX}_venue_volume_latest {_SYMBOL}",
    "venue_volume_week": f"SELECT * FROM {PREFIX}_venue_volume_latest WHERE tier = :tier AND week_ending = :newest",
}


@dataclass(frozen=True, slots=True)
class Present:
    """A history of so many weeks in a database.

    :param market: what the weeks came from.
    :param symbols: those that are read.
    """

    place: Place
    url: str
    market: SyntheticMarket
    weeks: int
    symbols: tuple[str, ...]

    @property
    def newest(self) -> dt.date:
        return week_after(self.weeks - 1)

    @property
    def known_at(self) -> dt.datetime:
        """Shortly after the newest week came: what we do must not lie in the future of the weeks to come."""
        from spine.core.tiers import Tier
        from spine.core.weeks import published_at

        return published_at(Tier(_TIER), self.newest) + dt.timedelta(hours=1)


def settle(url: str) -> None:
    """What autovacuum does in a night, so that it does not do it while we look."""
    with open_upgraded(url) as storage:
        if storage.dialect.name == "postgres":
            for statement in ("VACUUM (ANALYZE)", "CHECKPOINT"):
                storage.execute(statement)


def weekly_refreshes(present: Present, repeat: int) -> Iterator[dict[str, float]]:
    """The weeks that come next, each with all its tiers: seconds of every step, tiers added up.

    Restatements that come in between are taken in as well, uncounted.
    """
    from spine.core.tiers import Tier

    with open_upgraded(present.url) as storage, tempfile.TemporaryDirectory(prefix="spine-bench-") as name:
        for number in range(present.weeks, present.weeks + repeat):
            steps = dict[str, float]()
            for tier in Tier:
                for publication in publications(present.market, tier, number, number + 1):
                    seconds = take_in(storage, present.market, tier, publication, Path(name))
                    if not publication.revision:
                        steps |= {step: steps.get(step, 0.0) + spent for step, spent in seconds.items()}
            yield steps


def rollings(present: Present, repeat: int) -> list[float]:
    """compute_rolling of the newest week, as often as asked for: before each its rows are taken away."""
    params = {"tier": _TIER, "week_ending": present.newest.isoformat()}
    pipelines = ["compute_rolling"]
    with open_upgraded(present.url) as storage:
        values = {"capture_id": _newest_capture(storage, present)}
        seconds = []
        for _ in range(repeat + 1):
            storage.execute(f"DELETE FROM {PREFIX}_symbol_rolling WHERE capture_id = :capture_id", values)
            storage.execute("DELETE FROM core_manifest WHERE capture_id = :capture_id AND stage = 'ROLLING'", values)
            spent = run_pipelines(storage, params, Path(), pipelines, lambda: present.known_at)[1]
            seconds.append(sum(spent.values()))
    return seconds[1:]  # in the first one are imports


def warm_reads(present: Present, read: str, repeat: int) -> tuple[list[float], int]:
    """Seconds of a read after all were made once, and its rows; each a mean over the symbols, where it is of a symbol."""
    with open_upgraded(present.url) as storage:
        readers = _readers(storage, present, read)
        rows = [reader() for reader in readers]
        seconds = [timed(lambda: [reader() for reader in readers]) / len(readers) for _ in range(repeat)]
        return seconds, round(statistics.mean(rows))


def cold_reads(present: Present, read: str, repeat: int) -> list[float]:
    """Seconds of the first read after the database was started and its files were dropped from the system's cache."""
    seconds = []
    for number in range(repeat):
        with _opened_cold(present) as storage:
            readers = _readers(storage, present, read)
            seconds.append(timed(readers[number % len(readers)]))
    return seconds


def summary(seconds: list[float]) -> dict[str, float]:
    return {"min_ms": round(min(seconds) * 1e3, 2), "median_ms": round(statistics.median(seconds) * 1e3, 2)}


@contextmanager
def _opened_cold(present: Present) -> Iterator[Storage]:
    from spine.storage.connect import connect_storage

    present.place.forget()
    storage = connect_storage(present.url)
    try:
        storage.query("SELECT 1 AS one")
        yield storage
    finally:
        storage.close()


def _readers(storage: Storage, present: Present, read: str) -> list[Callable[[], int]]:
    """Functions that read and tell how many rows there were: one for each symbol, where the read is of a symbol."""
    if read == "as_of_week":
        return [lambda: _as_of(storage, present)]
    values = {"tier": _TIER, "newest": present.newest, "year_ago": present.newest - dt.timedelta(weeks=52)}
    chosen = present.symbols if ":symbol" in _SQL[read] else present.symbols[:1]
    return [_reader(storage, _SQL[read], {**values, "symbol": symbol}) for symbol in chosen]


def _reader(storage: Storage, sql: str, values: dict[str, Any]) -> Callable[[], int]:
    return lambda: int(storage.read_arrow(sql, values).num_rows)


def _as_of(storage: Storage, present: Present) -> int:
    """A week some months back, as it was known on the day of its publication."""
    from spine.core.tiers import Tier
    from spine.core.weeks import published_at
    from spine.storage.as_of import read_as_of

    week = present.newest - dt.timedelta(weeks=min(_WEEKS_BACK, present.weeks - 1))
    known = published_at(Tier(_TIER), week) + dt.timedelta(hours=1)
    rows = read_as_of(storage, f"{PREFIX}_symbol_summary", known, tier=Tier(_TIER), week_ending=week)
    return int(rows.num_rows)


def _newest_capture(storage: Storage, present: Present) -> str:
    return str(
        storage.query(
            "SELECT capture_id FROM core_captures WHERE tier = :tier AND week_ending = :newest ORDER BY revision DESC",
            {"tier": _TIER, "newest": present.newest},
        ).scalar
    )
