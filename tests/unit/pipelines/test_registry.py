"""Pipelines by name."""

from __future__ import annotations

import pytest

from spine.core.errors import ConfigurationError
from spine.pipelines.registry import get_pipeline, pipeline_names, register_pipeline


@pytest.mark.parametrize("name", [name for name in pipeline_names() if name.startswith("finra.")])
def test_a_pipeline_is_registered_under_its_own_name(name: str) -> None:
    pipeline = get_pipeline(name)
    assert pipeline.name == name
    assert pipeline.description


def test_names_are_sorted() -> None:
    assert list(pipeline_names()) == sorted(pipeline_names())


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean 'finra\.otc_transparency\.ingest_week'"):
        get_pipeline("finra.otc_transparency.ingest_weak")


def test_a_taken_name_is_refused() -> None:
    name = "finra.otc_transparency.ingest_week"
    with pytest.raises(ConfigurationError, match=r"already registered as spine\.pipelines\.ingest"):
        register_pipeline(name, "elsewhere:pipeline")
