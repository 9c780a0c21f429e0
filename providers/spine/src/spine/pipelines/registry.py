"""Pipelines by name. Names are known without importing any of them; a class is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
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
    "finra.otc_transparency.replay_week": "spine.quality.replay:replay_week",
    "core.load_table": "spine.pipelines.load_table:load_table",
    "core.run_weeks": "spine.workflows.weeks:run_weeks",
}
# What their receipts hold, by JSON Schema's types.
_CAPTURE = {"capture_id": "string", "tier": "string", "week_ending": "string"}
_TOTALS = {"rows": "number", "rejected": "number", "shares": "number|string", "trades": "number"}
_OUTPUTS: dict[str, Mapping[str, str]] = {
    "finra.otc_transparency.ingest_week": {
        **_CAPTURE, "revision": "number", "lines": "number", "parsed": "number", "rejected": "number", "seconds": "number",
        "source": "string", "fallback_from": "string", "fallback_reason": "string", "source_name": "string",
    },
    "finra.otc_transparency.normalize_week": {**_CAPTURE, **_TOTALS, "quarantined": "number"},
    "finra.otc_transparency.replay_week": {"capture_id": "string", "replay_of": "string", "recovered": "number"},
}  # fmt: skip


def pipeline_names() -> tuple[str, ...]:
    """Every registered name, sorted."""
    return tuple(sorted(_PIPELINES))


def register_pipeline(name: str, target: str, outputs: Mapping[str, str] | None = None) -> None:
    """Add a pipeline as ``package.module:object``.

    :param outputs: what its receipts hold: JSON Schema types by key, several parted by ``|``.

    :raises ConfigurationError: the name is taken by another target.
    """
    if _PIPELINES.setdefault(name, target) != target:
        raise ConfigurationError(f"pipeline {name!r} is already registered as {_PIPELINES[name]}")
    if outputs is not None:
        _OUTPUTS[name] = outputs


def pipeline_outputs(name: str) -> Mapping[str, str] | None:
    """What the receipts of a pipeline hold; None where nothing is declared."""
    return _OUTPUTS.get(name)


def get_pipeline(name: str) -> Pipeline:
    """The pipeline of a name.

    :raises ConfigurationError: unknown name, with the nearest known one.
    """
    if name not in _PIPELINES:
        raise ConfigurationError(f"unknown pipeline {name!r}; {did_you_mean(name, _PIPELINES)}")
    module, _, attribute = _PIPELINES[name].partition(":")
    pipeline: Pipeline = getattr(import_module(module), attribute)
    return pipeline
