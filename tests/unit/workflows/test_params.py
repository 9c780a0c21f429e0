"""What a run may be started with."""

from __future__ import annotations

from typing import Any

import pytest

from spine.core.errors import ValidationError
from spine.workflows.loader import load_workflow
from spine.workflows.model import Workflow, WorkflowParam
from spine.workflows.params import validate_params
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def weekly() -> Workflow:
    return load_workflow(ROOT / "include/workflows/finra_weekly_refresh.yaml")


def test_defaults_are_filled_in(weekly: Workflow) -> None:
    assert validate_params(weekly, {}) == {
        "tier": "OTCE",
        "week_ending": None,
        "summary_type": "ATS_W_SMBL_FIRM",
        "source": "file",
        "fallback": None,
        "file_path": None,
        "force": False,
        "window_weeks": 6,
    }


@pytest.mark.parametrize(
    ("given", "canonical"), [("T1", "T1"), ("NMS_TIER_2", "T2"), ("OTC", "OTCE"), ("nms tier 1", "T1")]
)
def test_a_tier_may_be_spelled_in_any_known_way(weekly: Workflow, given: str, canonical: str) -> None:
    assert validate_params(weekly, {"tier": given})["tier"] == canonical


@pytest.mark.parametrize(
    ("given", "name", "message"),
    [
        ({"teir": "T1"}, "teir", "finra.weekly_refresh has no param 'teir'; did you mean 'tier'?"),
        ({"tier": "T9"}, "tier", "param 'tier': unknown tier 'T9'"),
        ({"week_ending": "2025-12-18"}, "week_ending", "did you mean 2025-12-19?"),
        ({"week_ending": "19.12.2025"}, "week_ending", "expected YYYY-MM-DD"),
        ({"window_weeks": 1}, "window_weeks", "1 is less than the minimum of 2"),
        ({"window_weeks": "6"}, "window_weeks", "'6' is not of type 'integer'"),
        ({"force": None}, "force", "None is not of type 'boolean'"),
        ({"source": "ftp"}, "source", "'ftp' is not one of ['file', 'api']"),
    ],
)
def test_a_refused_param_is_named(weekly: Workflow, given: dict[str, Any], name: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate_params(weekly, given)
    assert message in caught.value.message
    assert caught.value.context["param"] == name


def test_a_param_without_default_must_be_given() -> None:
    workflow = Workflow("x", (), params={"day": WorkflowParam("day", {"format": "date"}, required=True)})
    assert validate_params(workflow, {"day": "2025-12-19"}) == {"day": "2025-12-19"}
    with pytest.raises(ValidationError, match="'day' is missing, and it has no default"):
        validate_params(workflow, {})
    with pytest.raises(ValidationError, match="is not a 'date'"):
        validate_params(workflow, {"day": "2025-13-40"})
