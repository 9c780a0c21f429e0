"""The weekly workflow for tests: runs of it, files to feed it, and pictures of what the database then holds."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from spine.core.results import StepResult
from spine.core.settings import Settings
from spine.finra.client import FinraClient
from spine.finra.download_file import DOWNLOAD_COLUMNS
from spine.pipelines.connections import Connections, NoConnections
from spine.pipelines.context import StepContext
from spine.pipelines.registry import get_pipeline
from spine.storage.base import Storage
from spine.workflows.loader import load_workflow
from spine.workflows.model import Workflow
from spine.workflows.runner import OnStep, WorkflowRun, run_workflow
from tests.support.include import INCLUDE, include_for

REAL_FILE = "finra_otc_weekly_otc_20251215.csv"
PREFIX = "finra_otc_transparency"
LINES = f"{PREFIX}_lines"
AGGREGATES = tuple(f"{PREFIX}_{name}" for name in ("symbol_summary", "venue_share", "concentration", "liquidity_score"))
ROLLING = f"{PREFIX}_symbol_rolling"
LATEST = tuple(f"{table}_latest" for table in (f"{PREFIX}_venue_volume", *AGGREGATES, ROLLING, f"{PREFIX}_tier_share"))
LEDGER = ("core_captures", "core_manifest", "core_rejects", LINES, *AGGREGATES, ROLLING)

HEADER = "|".join(DOWNLOAD_COLUMNS)
FRIDAY = dt.date(2025, 11, 14)  # published on PUBLISHED for OTCE
PUBLISHED = "2025-12-15"

# Of one observation, not of what was observed.
_OWN = {
    "capture_no", "capture_id", "captured_at", "execution_id", "batch_id", "calculated_at", "normalized_at", "ingested_at",
    "input_min_capture_id", "input_max_capture_id", "input_min_captured_at", "input_max_captured_at",
}  # fmt: skip
_ORDER = ("week_ending", "tier", "symbol", "mpid", "window_weeks", "line_number")


class Clock:
    """A present of the test's own, which moves on by a second with every look."""

    def __init__(self, start: dt.datetime = dt.datetime(2026, 8, 3, 12, tzinfo=dt.UTC)) -> None:
        self._start, self._looks = start, count()

    def __call__(self) -> dt.datetime:
        return self._start + dt.timedelta(seconds=next(self._looks))


@dataclass(frozen=True, slots=True)
class Weekly:
    """A small deployment: one database, one file root, one clock, and perhaps a way to other systems.

    :param include: its content, where it is not the one that goes with the kind of database.
    """

    storage: Storage
    root: Path
    clock: Clock = field(default_factory=Clock)
    connections: Connections = field(default_factory=NoConnections)
    include: Path | None = None

    @property
    def settings(self) -> Settings:
        include = self.include or include_for(self.storage.dialect.name, self.root)
        return Settings(include_dir=include, file_root=self.root)

    def run(self, on_step: OnStep | None = None, workflow: Workflow | None = None, **params: Any) -> WorkflowRun:
        """The whole workflow, which must end well."""
        ended = self.attempt(on_step, workflow, **params)
        assert ended.state == "success", {name: step.result for name, step in ended.steps.items()}
        return ended

    def attempt(self, on_step: OnStep | None = None, workflow: Workflow | None = None, **params: Any) -> WorkflowRun:
        """The whole workflow, however it ends."""
        return run_workflow(
            workflow or weekly_refresh(),
            params,
            storage=self.storage,
            settings=self.settings,
            clock=self.clock,
            connections=self.connections,
            on_step=on_step,
        )

    def context(self, **params: Any) -> StepContext:
        return StepContext(
            self.storage, self.settings, params, run_id="test", clock=self.clock, connections=self.connections
        )

    def ingest(self, **params: Any) -> StepResult:
        """The first step alone; its error is raised."""
        return get_pipeline("finra.otc_transparency.ingest_week").run(self.context(**params))

    def load(self, **params: Any) -> str:
        """Ingest, normalize and aggregate, without the checks between them; the capture's id."""
        context = self.context(**params)
        receipt = self.ingest(**params).to_dict()
        for verb in ("normalize_week", "aggregate_week"):
            pipeline = get_pipeline(f"finra.otc_transparency.{verb}")
            pipeline.run(
                StepContext(self.storage, self.settings, context.params, {"ingest": receipt}, clock=self.clock)
            )
        return str(receipt["capture_id"])

    def write(self, content: str | bytes, name: str = "week_otc.psv") -> str:
        """A file below the root, by the name to give as ``file_path``."""
        (self.root / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        """Everything in a table or view, in an order of its own key."""
        condition = " AND ".join(f"{name} = :{name}" for name in where) or "1 = 1"
        rows = list(self.storage.query(f"SELECT * FROM {table} WHERE {condition}", where))
        return sorted(rows, key=lambda row: [str(row[name]) for name in _ORDER if name in row])

    def scalar(self, sql: str, **params: Any) -> Any:
        return self.storage.query(sql, params).scalar

    def counts(self) -> dict[str, int]:
        """How many rows each table has that a run writes (outcomes of checks aside: each run keeps its own)."""
        return {table: int(self.scalar(f"SELECT COUNT(*) FROM {table}")) for table in LEDGER}

    def rejects(self) -> dict[int, tuple[str, str]]:
        """Reason and detail by line number, of every stage."""
        found = self.storage.query("SELECT line_number, reason_code, reason_detail FROM core_rejects ORDER BY 1")
        return {line: (code, detail) for line, code, detail in found.rows}

    def pictures(self, views: Iterable[str] = LATEST) -> dict[str, list[dict[str, Any]]]:
        """What readers see, view by view, without what belongs to the observation alone."""
        return {view: [content_of(row) for row in self.rows(view)] for view in views}


@lru_cache
def weekly_refresh() -> Workflow:
    return load_workflow(INCLUDE / "workflows" / "finra_weekly_refresh.yaml", ())


def content_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's own values, dates as ISO text, which is how SQLite keeps them."""
    return {
        name: value.isoformat() if isinstance(value, dt.date) else value
        for name, value in row.items()
        if name not in _OWN
    }


def assert_same(found: Mapping[str, list[dict[str, Any]]], expected: Mapping[str, list[dict[str, Any]]]) -> None:
    """Two pictures agree value by value: text and whole numbers exactly, others as close as doubles can be."""
    assert found.keys() == expected.keys()
    for view, rows in expected.items():
        assert len(found[view]) == len(rows), view
        for ours, theirs in zip(found[view], rows, strict=True):
            differing = {name: (ours[name], theirs[name]) for name in theirs if not same(ours[name], theirs[name])}
            assert not differing, (view, differing, ours)


def same(one: Any, other: Any) -> bool:
    if one == other:
        return True
    if one is None or other is None or isinstance(one, str) or isinstance(other, str):
        return False
    # docs: quantities within a millionth of a share, or 1e-12 of their size where a double cannot hold that.
    return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-6)


def line(symbol: str = "AAAA", mpid: str = "OTCN", shares: object = 100, trades: object = 5, **other: str) -> str:
    """A line of FINRA's download; ``tier``, ``issue``, ``venue`` and ``updated`` have usual values."""
    values = {"tier": "OTC", "issue": "Invented Inc", "venue": f"{mpid} VENUE", "updated": PUBLISHED, **other}
    tier, issue, venue, updated = (values[name] for name in ("tier", "issue", "venue", "updated"))
    return f"{tier}|{symbol}|{issue}|{venue}|{mpid}|{shares}|{trades}|{updated}"


def file_of(*lines: str, header: str = HEADER) -> str:
    """A file's text: the header and lines, each ended by a newline."""
    return "".join(f"{each}\n" for each in (header, *lines))


def good_lines(how_many: int = 20) -> Iterator[str]:
    """Lines nobody could object to, each of its own symbol."""
    return (line(f"GOOD{number:02}", shares=1000 + number) for number in range(how_many))


class SimulatorConnections(NoConnections):
    """The way to FINRA's API leads to a simulator; there are no other connections."""

    def __init__(self, url: str, **options: Any) -> None:
        self._url, self._options = url, options

    def finra(self, conn_id: str) -> FinraClient:
        return FinraClient(base_url=self._url, **self._options)
