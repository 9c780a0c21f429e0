"""A week through the product: its pipelines one by one, timed, or the whole workflow."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import ROOT

if TYPE_CHECKING:
    from spine.core.settings import Settings
    from spine.storage.base import Storage
    from spine.workflows.model import Workflow

Clock = Callable[[], dt.datetime]


def run_pipelines(
    storage: Storage, params: dict[str, Any], file_root: Path, stages: Iterable[str], clock: Clock | None = None
) -> tuple[dict[str, Any], dict[str, float]]:
    """Receipts and seconds of pipelines that run one after the other."""
    from spine.pipelines.context import StepContext, utc_now
    from spine.pipelines.registry import get_pipeline

    outputs: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    for stage in stages:
        pipeline = get_pipeline(f"finra.otc_transparency.{stage}")
        context = StepContext(storage, settings(file_root), params, outputs, run_id="bench", clock=clock or utc_now)
        started = time.perf_counter()
        outputs[stage] = pipeline.run(context).to_dict()
        seconds[stage] = round(time.perf_counter() - started, 4)
    return outputs, seconds


def refresh(storage: Storage, params: dict[str, Any], file_root: Path, clock: Clock | None = None) -> dict[str, float]:
    """Seconds of every step of ``finra.weekly_refresh`` that ran.

    :raises SystemExit: the run failed.
    """
    from spine.pipelines.context import utc_now
    from spine.workflows.runner import run_workflow

    seconds: dict[str, float] = {}
    last = time.perf_counter()

    def note(step: str, ended: Any) -> None:
        nonlocal last
        now = time.perf_counter()
        if ended.result is not None:
            seconds[step] = round(now - last, 4)
        last = now

    run = run_workflow(
        weekly_refresh(), params, storage=storage, settings=settings(file_root), clock=clock or utc_now, on_step=note
    )
    if run.state != "success":
        failed = {name: step.result for name, step in run.steps.items() if step.state == "failed"}
        raise SystemExit(f"the weekly refresh of {params} failed: {failed}")
    return seconds


def settings(file_root: Path) -> Settings:
    from spine.core.settings import Settings

    return Settings(ROOT / "include", file_root)


@lru_cache
def weekly_refresh() -> Workflow:
    from spine.workflows.loader import load_workflow

    return load_workflow(ROOT / "include" / "workflows" / "finra_weekly_refresh.yaml", ())
