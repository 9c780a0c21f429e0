"""A pytest plugin that comes with the provider: run workflows in process, against a database that lives for one test.

    def test_a_quiet_week_is_refused(run_workflow, spine_file_root):
        (spine_file_root / "week.csv").write_text(...)
        ended = run_workflow("finra.quality_gated_week", {"tier": "OTCE", "file_path": "week.csv"})
        assert ended.state == "failed"
        assert ended.steps["ingest_gate"].result.message == "too few rows"

Where workflows and SQL are: ``spine_include_dir`` in pytest's configuration (default ``include``, below its root).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.pipelines.connections import Connections
    from spine.storage.base import Storage
    from spine.workflows.model import Approval, Decision, Step, Workflow
    from spine.workflows.plan import PlannedStep
    from spine.workflows.runner import WorkflowRun


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("spine_include_dir", "Spine's include folder, relative to the root", default="include")
    parser.addini("spine_handler_packages", "packages whose functions workflows may call", type="args", default=[])


@dataclass(frozen=True, slots=True)
class WorkflowTester:
    """Runs workflows by their names. Waits take no time, and nobody is sent a message."""

    storage: Storage
    settings: Settings

    def __call__(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        *,
        approvals: Mapping[str, str] | None = None,
        now: dt.datetime | None = None,
        connections: Connections | None = None,
    ) -> WorkflowRun:
        """Run it to its end, whatever that is.

        :param approvals: answers by step: ``approve`` or ``reject``; a step without one takes its default.
        :param now: the present, timezone-aware; by default the real one.
        :param connections: where other systems are, for workflows that ask them.
        :raises DocumentError: its file is broken.
        :raises ValidationError: there is no such workflow, or the params are refused.
        """
        from spine.pipelines.context import utc_now
        from spine.workflows.runner import run_workflow

        return run_workflow(
            self.workflow(name),
            params or {},
            storage=self.storage,
            settings=self.settings,
            connections=connections,
            sleep=lambda seconds: None,
            decide=_decide(approvals or {}),
            clock=utc_now if now is None else (lambda: now),
        )

    def plan(self, name: str, params: Mapping[str, Any] | None = None) -> list[PlannedStep]:
        """What a run would do; nothing is touched."""
        from spine.workflows.plan import plan

        return plan(self.workflow(name), params or {})

    def workflow(self, name: str) -> Workflow:
        """The workflow of that name, checked."""
        from spine.workflows.catalog import find_workflow

        return find_workflow(name, self.settings)


def _decide(approvals: Mapping[str, str]) -> Callable[[Step, Approval], Decision | None]:
    from spine.workflows.model import Decision

    return lambda step, approval: Decision(approvals[step.name]) if step.name in approvals else None


@pytest.fixture
def spine_file_root(tmp_path: Path) -> Path:
    """The folder below which file sources read."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def spine_settings(pytestconfig: pytest.Config, spine_file_root: Path) -> Settings:
    """Settings of the deployment under test."""
    from spine.core.settings import Settings

    return Settings(
        include_dir=pytestconfig.rootpath / pytestconfig.getini("spine_include_dir"),
        file_root=spine_file_root,
        handler_packages=tuple(pytestconfig.getini("spine_handler_packages")),
    )


@pytest.fixture
def spine_storage(tmp_path: Path, spine_settings: Settings) -> Iterator[Storage]:
    """An empty domain database with every migration, SQLite, gone after the test. Override it to test on another one."""
    from spine.storage.connect import connect_storage
    from spine.storage.migrations import upgrade

    storage = connect_storage(f"sqlite:///{tmp_path / 'spine.db'}")
    upgrade(storage, spine_settings.sql_dir)
    yield storage
    storage.close()


@pytest.fixture
def run_workflow(spine_storage: Storage, spine_settings: Settings) -> WorkflowTester:
    """Runs workflows of the include folder: ``run_workflow("finra.weekly_refresh", {"tier": "T1"})``."""
    return WorkflowTester(spine_storage, spine_settings)
