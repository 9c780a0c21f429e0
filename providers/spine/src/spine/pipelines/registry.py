"""Pipelines by name. Names are known without importing any of them; a class is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from spine.core.errors import ConfigurationError
from spine.core.suggest import did_you_mean
from spine.pipelines.base import Pipeline

_PIPELINES: dict[str, str] = {
    "finra.otc_transparency.ingest_week": "spine.pipelines.ingest:ingest_week",
    "finra.otc_transparency.normalize_week": "spine.pipelines.normalize:normalize_week",
    "finra.otc_transparency.aggregate_week": "spine.pipelines.aggregation:aggregate_week",
    "finra.otc_transparency.compute_rolling": "spine.pipelines.rolling:compute_rolling",
    "finra.otc_transparency.refresh_dependents": "spine.pipelines.dependents:refresh_dependents",
    "core.load_table": "spine.pipelines.load_table:load_table",
    "core.run_weeks": "spine.workflows.weeks:run_weeks",
}


def pipeline_names() -> tuple[str, ...]:
    """Every registered name, sorted."""
    return tuple(sorted(_PIPELINES))


def register_pipeline(name: str, target: str) -> None:
    """Add a pipeline as ``package.module:object``.

    :raises ConfigurationError: the name is taken by another target.
    """
    if _PIPELINES.setdefault(name, target) != target:
        raise ConfigurationError(f"pipeline {name!r} is already registered as {_PIPELINES[name]}")


def get_pipeline(name: str) -> Pipeline:
    """The pipeline of a name.

    :raises ConfigurationError: unknown name, with the nearest known one.
    """
    if name not in _PIPELINES:
        raise ConfigurationError(f"unknown pipeline {name!r}; {did_you_mean(name, _PIPELINES)}")
    module, _, attribute = _PIPELINES[name].partition(":")
    pipeline: Pipeline = getattr(import_module(module), attribute)
    return pipeline
