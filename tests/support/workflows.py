"""Small workflows for tests: pipelines that do as they are told, handlers, and a way to write a file."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spine.core.errors import SourceError, TransientError
from spine.core.results import StepResult
from spine.core.settings import Settings
from spine.documents.problems import DocumentError
from spine.pipelines.context import StepContext
from spine.pipelines.registry import register_pipeline
from spine.workflows.loader import load_workflow
from spine.workflows.model import Workflow

PACKAGES = ("tests.support",)
NOT_CALLABLE = 3
_SEEN: list[StepContext] = []
_FAILURES_LEFT = [0]


class _Fake:
    description = "for tests"

    def __init__(self, name: str, work: Callable[[StepContext], StepResult]) -> None:
        self.name = name
        self.work = work

    def run(self, context: StepContext) -> StepResult:
        _SEEN.append(context)
        return self.work(context)


def _fail(context: StepContext) -> StepResult:
    raise SourceError("the source is unusable")


def _flaky(context: StepContext) -> StepResult:
    if _FAILURES_LEFT[0]:
        _FAILURES_LEFT[0] -= 1
        raise TransientError("try again", retry_after=context.params.get("retry_after"))
    return StepResult.done(rows=1)


def _crash(context: StepContext) -> StepResult:
    raise KeyError("a defect")


ok = _Fake("test.ok", lambda context: StepResult.done(rows=len(context.params)))
unchanged = _Fake("test.unchanged", lambda context: StepResult.unchanged("nothing new"))
fail = _Fake("test.fail", _fail)
reported = _Fake("test.reported", lambda context: StepResult.failed(SourceError("a receipt that says failed")))
flaky = _Fake("test.flaky", _flaky)
crash = _Fake("test.crash", _crash)

for _fake in (ok, unchanged, fail, reported, flaky, crash):
    register_pipeline(_fake.name, f"{__name__}:{_fake.name.removeprefix('test.')}")


def echo(context: StepContext, config: Mapping[str, Any]) -> StepResult:
    """A handler whose receipt is its config."""
    return StepResult.done(**config)


@contextmanager
def seen_contexts(failures: int = 0) -> Iterator[list[StepContext]]:
    """The contexts that pipelines were run with. ``test.flaky`` fails that often first."""
    _SEEN.clear()
    _FAILURES_LEFT[0] = failures
    yield _SEEN


def settings_for(folder: Path) -> Settings:
    return Settings(include_dir=folder, file_root=folder, handler_packages=PACKAGES)


def write(folder: Path, text: str, name: str = "flow.yaml") -> Path:
    """A workflow file. Lines count from the first one with text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def workflow_of(folder: Path, text: str) -> Workflow:
    return load_workflow(write(folder, text), PACKAGES)


def problems_of(path: Path) -> list[str]:
    """Every problem as ``line:column CODE message``."""
    try:
        load_workflow(path, PACKAGES)
    except DocumentError as error:
        return [str(problem).removeprefix(f"{path}:") for problem in error.problems]
    return []
